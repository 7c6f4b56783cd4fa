// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package dotnet writes Go values as .NET's System.Text.Json writes their
// counterparts, and reads what that writes: the [Codec] for values that a .NET
// program and a Go program share, and Go types for those of .NET that Go lacks.
// It knows nothing of sessions.
//
// What Go writes, .NET reads as the same value. What .NET writes, Go reads, and
// writes again byte for byte, but for the order of a dictionary, a null that was
// read into a string, and properties that the struct lacks (see below). What
// System.Text.Json refuses with its default options is refused here: another
// type, a number in quotes, 1.0 for an int, comments, trailing commas.
//
// # Types
//
//	bool, string            bool, string; a null string is read as ""
//	int8 … int64            sbyte, short, int, long; Go's int is .NET's int, of 32 bits
//	uint8 … uint64          byte, ushort, uint, ulong; Go's uint is .NET's uint
//	a named integer         an enum
//	float32, float64        float, double
//	Decimal, Char, GUID     decimal, char, Guid
//	DateTime, DateOnly …    the types of the same name
//	time.Time               DateTimeOffset, or a DateTime of kind Utc or Local
//	time.Duration           TimeSpan
//	[]byte                  byte[]
//	[]T, [n]T               List<T>, T[] and the like; nil is null
//	map[K]V                 Dictionary<K, V>; nil is null
//	*T                      T?, a reference that can be null
//	a struct                a class or struct
//	Rest                    the properties of a struct that have no field
//	json.RawMessage         JsonElement, object
//	json.Number             any number, its digits kept
//
// A string stands for one that is not null; use *string where the difference
// counts. A struct is never null; use a pointer for a class that can be. A nil
// slice or map is null, also where the property in C# begins as [], and its code
// never looks for null: make new values by a function that sets an empty one.
//
// time.Time is an instant: one in UTC is written with Z, any other with its
// offset, and a DateTime of kind Unspecified, which says no instant, is an
// error; [DateTime] takes all three kinds. .NET has ticks of 100 ns, and what is
// finer is cut. A type with MarshalText and UnmarshalText, as the usual UUID
// types have, is a string. One with MarshalDotNet and UnmarshalDotNet says itself
// how it crosses ([Marshaler]).
//
// # Names
//
// System.Text.Json matches the names of properties with their case. So a field crosses under its name in Go, as is,
// which is mostly the one in C#, or under the one in its tag:
//
//	UserName string            // C#: UserName
//	ID       int  `dotnet:"Id"`
//	cache    int               // unexported: does not cross
//	Note     string `dotnet:"-"` // neither
//
// A json tag that says another name, or an option, is a complaint: was it made
// for this reader, or for a browser? A dotnet tag beside it answers that.
// The fields of an embedded struct are those of a base class.
//
// # Properties that the struct lacks
//
// They are passed over when the value is read, as System.Text.Json does it, and
// are gone for the other program too once the value is written: by any Set or
// Update of a key. Three things help, of which the first should be in each struct
// whose class somebody else may extend:
//
//	Rest dotnet.Rest // a field that takes them and gives them back, see [Rest]
//
// A field for each property; a test can tell of one that is missing with a [Codec]
// that is Strict. Or that Codec for the key itself: then a value that has more
// can't be read, so that an Update fails and takes nothing away. A Set that has
// read nothing replaces the value all the same.
//
// [Codec.Check] says of a type all that can't cross, before any value does.
//
// # Why another JSON
//
// encoding/json folds case, accepts broken UTF-8 and half surrogate pairs, takes
// null for a number, merges a member that comes twice and escapes other
// characters; its successor github.com/go-json-experiment/json is strict and
// exact about case, but is not released yet, and escapes, null and numbers would
// still need a pass of their own over all that it writes and reads. What remains
// is one scanner and a form per kind, which is less than the differences.
package dotnet
