// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sessionbridge/session/dotnet"
)

var update = flag.Bool("update", false, "write the tables in docs/types.md")

// A typeRow is a row of docs/types.md.
type typeRow struct {
	types  string // recorded ones, separated by spaces; the first has the example
	csharp string // its expression
	goes   reflect.Type
	as     string // how the page calls goes; "" means its name
	note   string
}

func typeRows() []typeRow {
	return []typeRow{
		{"bool", "false", reflect.TypeFor[bool](), "", ""},
		{"sbyte", "(sbyte)-128", reflect.TypeFor[int8](), "", ""},
		{"byte", "(byte)255", reflect.TypeFor[uint8](), "", ""},
		{"short", "short.MinValue", reflect.TypeFor[int16](), "", ""},
		{"ushort", "(ushort)65535", reflect.TypeFor[uint16](), "", ""},
		{"int", "int.MinValue", reflect.TypeFor[int](), "`int` or `int32`", "32 bits, whatever the machine"},
		{"uint", "uint.MaxValue", reflect.TypeFor[uint](), "`uint` or `uint32`", ""},
		{"long", "long.MaxValue", reflect.TypeFor[int64](), "", ""},
		{"ulong", "ulong.MaxValue", reflect.TypeFor[uint64](), "", ""},
		{"float Half", "1f", reflect.TypeFor[float32](), "", "no NaN, no infinity; of a Half .NET keeps three digits"},
		{"double", "1.5", reflect.TypeFor[float64](), "", "no NaN, no infinity"},
		{"decimal", "-1.50m", reflect.TypeFor[dotnet.Decimal](), "", "its zeros are kept"},
		{"Int128 UInt128", "Int128.MinValue", reflect.TypeFor[json.Number](), "", "its digits as they are"},
		{"char", "'é'", reflect.TypeFor[dotnet.Char](), "", ""},
		{"string", `"a+b"`, reflect.TypeFor[*string](), "`string`, or `*string` if it can be null", "a null is read as `\"\"` into a `string`"},
		{"Guid", `new Guid("0F8FAD5B-D9CB-469F-A165-70867728950E")`, reflect.TypeFor[dotnet.GUID](), "`dotnet.GUID`, or a UUID type with MarshalText", ""},
		{"DateTime", "new DateTime(2024, 2, 29, 13, 45, 30, DateTimeKind.Unspecified)", reflect.TypeFor[dotnet.DateTime](), "`dotnet.DateTime`, or `time.Time` if its kind is never Unspecified", "ticks of 100 ns"},
		{"DateTimeOffset", "new DateTimeOffset(2024, 2, 29, 13, 45, 30, TimeSpan.FromHours(1))", reflect.TypeFor[dotnet.DateTimeOffset](), "`dotnet.DateTimeOffset`, or `time.Time`", "of `time.Time` one in UTC is written with `Z`"},
		{"DateOnly", "new DateOnly(2024, 2, 29)", reflect.TypeFor[dotnet.DateOnly](), "", ""},
		{"TimeOnly", "new TimeOnly(13, 45, 30)", reflect.TypeFor[dotnet.TimeOnly](), "", ""},
		{"TimeSpan", "new TimeSpan(1, 2, 3, 4, 5)", reflect.TypeFor[dotnet.TimeSpan](), "`dotnet.TimeSpan`, or `time.Duration` up to 292 years", ""},
		{"Color Perm ByteEnum LongEnum ULongEnum DayOfWeek", "Color.Blue", reflect.TypeFor[color](), "`type Color int32`, the type of the enum's numbers", "an enum crosses as its number"},
		{"NamedFlags Named", "NamedFlags.A | NamedFlags.B", reflect.TypeFor[string](), "`string`", "an enum with JsonStringEnumConverter"},
		{"int? bool? DateTime? Color? double? PropStruct?", "null", reflect.TypeFor[*int](), "a pointer", "nil is null"},
		{"byte[] ReadOnlyMemory<byte>", "new byte[] { 0 }", reflect.TypeFor[[]byte](), "`[]byte`", "nil is null"},
		{"List<int> int[] HashSet<int> SortedSet<int> Queue<int> LinkedList<int> ImmutableArray<int> Memory<int> Queue IList<int>",
			"new List<int> { 3, 1, 2 }", reflect.TypeFor[[]int](), "", "nil is null; `[3]int` for exactly three"},
		{"string[] List<string>", `new[] { "a", null, "" }`, reflect.TypeFor[[]*string](), "", "or `[]string`"},
		{"int?[]", "new int?[] { 1, null }", reflect.TypeFor[[]*int](), "", ""},
		{"int[][] bool[] char[] double[]", "new[] { new[] { 1 }, new int[0], null }", reflect.TypeFor[[][]int](), "", ""},
		{"List<byte>", "new List<byte> { 1, 2, 3 }", reflect.TypeFor[[]byteEnum](), "`[]B` with `type B byte`", "a list of numbers, unlike byte[]"},
		{"object[] List<object> ArrayList", `new ArrayList { 1, "a", null }`, reflect.TypeFor[[]json.RawMessage](), "", "each as JSON"},
		{"Dictionary<string,int> SortedDictionary<string,int> SortedList<string,int> ImmutableDictionary<string,int> CustomDict OrderedDictionary ListDictionary SortedList",
			`new SortedDictionary<string, int> { ["b"] = 1, ["a"] = 2, ["B"] = 3 }`, reflect.TypeFor[map[string]int](), "", "nil is null; written in the order of the keys' texts"},
		{"Dictionary<string,string>", `new Dictionary<string, string> { ["k"] = null, ["v"] = "x" }`, reflect.TypeFor[map[string]*string](), "", ""},
		{"Dictionary<string,object> Hashtable", `new Hashtable { ["a"] = 1 }`, reflect.TypeFor[map[string]json.RawMessage](), "", ""},
		{"Dictionary<int,string> Dictionary<long,int>", `new Dictionary<int, string> { [2] = "b", [-1] = "a" }`, reflect.TypeFor[map[int]*string](), "", ""},
		{"Dictionary<DateTime,int> Dictionary<decimal,int> Dictionary<char,int> Dictionary<double,int>", "new Dictionary<decimal, int> { [1.10m] = 1 }", reflect.TypeFor[map[dotnet.Decimal]int](), "", "and other types of one value"},
		{"Dictionary<Color,int> Dictionary<Uri,int> Dictionary<Version,int>", `new Dictionary<Color, int> { [Color.Green] = 1, [(Color)9] = 2 }`, reflect.TypeFor[map[string]int](), "", "an enum as a key crosses by name"},
		{"Product Cart Members SerializableFields BaseP Circle ConcreteP PolyA camel AllTypes Node HasDouble Attributed",
			"new Product()", reflect.TypeFor[product](), "a struct, `*T` if it can be null", "public properties by name, in order; fields do not cross"},
		{"Rec RecStruct RoRecStruct PropStruct FieldStruct CtorP Req ReqAttr System.Drawing.Point", `new Rec(1, "a")`, reflect.TypeFor[rec](), "a struct", "records and structs as well"},
		{"DerivedP Derived2P", "new DerivedP()", reflect.TypeFor[derivedP](), "a struct that embeds the base's", "a base class comes last"},
		{"Tuple<int,string> KeyValuePair<string,int>", `Tuple.Create(1, "a")`, reflect.TypeFor[tuple](), "a struct with `Item1`, `Item2`; `Key`, `Value`", ""},
		{"Uri Version", `new Version(1, 2)`, reflect.TypeFor[string](), "`string`", "what is in it, .NET checks"},
		{"JsonElement JsonDocument JsonObject JsonNode object", `new JsonObject { ["a"] = 1, ["b"] = "é" }`, reflect.TypeFor[json.RawMessage](), "", "and an interface or abstract class in a .NET class"},
	}
}

// Types that keys should not have: System.Text.Json can't write them, or does
// not read back what it wrote. What is in HasX is in it for that.
const (
	refusedTypes = "nint int[,] Dictionary<int?,int> DataTable InvalidOperationException CultureInfo Action CancellationToken " +
		"HasDelegate HasType HasStream Throws Cyclic"
	lostTypes = "BigInteger Rune Index Lazy<int> Exception TimeZoneInfo MailAddress Regex XmlDocument NameValueCollection StringDictionary BitArray Stack ReadOnlyCollection<int> ArraySegment<int> " +
		"CtorMismatch TwoCtors PrivateCtor Dictionary<object,int> ValueTuple<int> HasIface"
	// unlisted are cases of what the page has in words.
	unlistedTypes = "List<Product> NonNull Ext HasBase HasPoly (anonymous type) Encoding IEnumerable<string>"
)

// TestTypesPage checks the tables of docs/types.md against what was recorded.
func TestTypesPage(t *testing.T) {
	cases := goldenCases(t, "testdata/json-values.json")
	path := filepath.FromSlash("../docs/types.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- from dotnet/testdata: go test ./dotnet -run TestTypesPage -update -->\n", "<!-- end -->\n"
	before, rest, ok := strings.Cut(strings.ReplaceAll(string(page), "\r\n", "\n"), begin)
	have, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", path)
	}
	want := typeTable(t, cases)
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if have != want {
		t.Errorf("%s is not what was recorded; go test ./dotnet -run TestTypesPage -update writes\n%s", path, want)
	}
	for name := range strings.FieldsSeq(strings.NewReplacer("HasDelegate HasType HasStream Throws Cyclic", "",
		"CtorMismatch TwoCtors PrivateCtor", "", "HasIface", "", "InvalidOperationException ", "", "CultureInfo ", "").Replace(refusedTypes + " " + lostTypes)) {
		if !strings.Contains(after, "`"+name+"`") {
			t.Errorf("%s does not name %s among what can't cross", path, name)
		}
	}
}

func typeTable(t *testing.T, cases []goldenCase) string {
	var b strings.Builder
	b.WriteString("| C# | Go | for example | crosses as | |\n|---|---|---|---|---|\n")
	for _, row := range typeRows() {
		names := strings.Fields(row.types)
		example := recorded(t, cases, names, row.csharp)
		crosses(t, row, example)
		name := cmp.Or(row.as, "`"+row.goes.String()+"`")
		fmt.Fprintf(&b, "| %s | %s | `%s` | `%s` | %s |\n", csharpNames(names), name, cell(row.csharp), cell(example), row.note)
	}
	return b.String()
}

// cell keeps a table whole.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// csharpNames returns what the page calls recorded types: the classes of the test
// program are classes.
func csharpNames(names []string) string {
	if own, ok := map[string]string{
		"Color": "an enum", "NamedFlags": "an enum by name", "int?": "`T?`", "Product": "a class", "Rec": "a record, a struct", "DerivedP": "a class with a base class",
	}[names[0]]; ok {
		return own
	}
	var shown []string
	for _, name := range names {
		if name != "CustomDict" {
			shown = append(shown, "`"+name+"`")
		}
	}
	return strings.Join(shown, ", ")
}

// recorded returns the JSON that .NET wrote for an expression.
func recorded(t *testing.T, cases []goldenCase, names []string, csharp string) string {
	t.Helper()
	for _, c := range cases {
		if slices.Contains(names, c.Type) && c.CSharp == csharp && c.Outcome == "ok" {
			return *c.JSON
		}
	}
	t.Errorf("there is no case %s of %s", csharp, names)
	return ""
}

// crosses checks that the Go type of a row reads the example, and writes it again.
func crosses(t *testing.T, row typeRow, example string) {
	t.Helper()
	codec, v := new(dotnet.Codec), reflect.New(row.goes)
	err := codec.Unmarshal([]byte(example), v.Interface())
	got, err2 := codec.Marshal(v.Elem().Interface())
	if err != nil || err2 != nil || !sameText(row.goes, got, []byte(example)) {
		t.Errorf("%s as %v: %s became %s, %v, %v", row.types, row.goes, example, got, err, err2)
	}
}

// TestTypesPageIsWhole checks that each recorded type has its place on the page,
// and that those that can't cross are those that .NET can't write or read back.
func TestTypesPageIsWhole(t *testing.T) {
	listed, refused, lost := strings.Fields(unlistedTypes+" type)"), strings.Fields(refusedTypes), strings.Fields(lostTypes)
	for _, row := range typeRows() {
		listed = append(listed, strings.Fields(row.types)...)
	}
	written := make(map[string]bool) // and read back as what they were
	for _, c := range goldenCases(t, "testdata/json-values.json") {
		written[c.Type] = written[c.Type] || c.Outcome == "ok" && c.ReadBack == "" && c.ReadBackFails == nil
		if in := slices.Contains[[]string]; !in(listed, strings.Fields(c.Type)[0]) && !in(refused, c.Type) && !in(lost, c.Type) {
			t.Errorf("%s has no place in docs/types.md", c.Type)
		}
	}
	for _, name := range refused {
		if written[name] {
			t.Errorf("%s is said not to cross, but .NET wrote and read one", name)
		}
	}
}
