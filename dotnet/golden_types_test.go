// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet_test

import (
	"encoding/json"
	"reflect"

	"github.com/sessionbridge/session/dotnet"
)

// The enums and classes of the recorded cases.
type (
	color     int32
	byteEnum  uint8
	longEnum  int64
	ulongEnum uint64

	product struct {
		ID    int `dotnet:"Id"`
		Name  *string
		Price dotnet.Decimal
	}
	cart struct {
		Owner   *string
		Items   []product
		Created dotnet.DateTime
		Promo   *product
	}
	members  struct{ PublicProp, GetOnly, Computed, PrivateSet, Init int }
	baseP    struct{ BaseOne, Virt, Hidden int }
	derivedP struct {
		baseP                    // a base class comes last, wherever it is embedded
		DerivedOne, Virt, Hidden int
	}
	derived2P struct {
		derivedP
		Third int
	}
	circle struct {
		Name string
		R    float64
	}
	propStruct struct {
		X int
		Y *string
	}
	rec struct {
		ID   int `dotnet:"Id"`
		Name *string
	}
	recExtra struct {
		ID    int `dotnet:"Id"`
		Extra *string
	}
	onlyID struct {
		ID int `dotnet:"Id"`
	}
	onlyA struct{ A int }
	aAndB struct{ B, A int }
	req   struct{ A, B int }
	camel struct {
		MyValue  int `dotnet:"myValue"`
		MyValue2 int
		URL      int
		Under    int `dotnet:"_under"`
		Élan     int
	}
	keyValue struct {
		Key   *string
		Value int
	}
	tuple struct {
		Item1 int
		Item2 *string
	}
	caseTwins struct {
		Ab  int
		AB2 int `dotnet:"aB"`
	}
	node     struct{ Next *node }
	hasFloat struct{ D float64 }
	polyA    struct {
		S string
		N int
	}
	point struct {
		IsEmpty bool
		X, Y    int
	}
	allTypes struct {
		Bool     bool
		Byte     byte
		Int      int
		Long     int64
		Double   float64
		Decimal  dotnet.Decimal
		Char     dotnet.Char
		String   *string
		DateTime dotnet.DateTime
		Dto      dotnet.DateTimeOffset
		TimeSpan dotnet.TimeSpan
		GUID     dotnet.GUID `dotnet:"Guid"`
		Bytes    []byte
		Ints     []int
		Map      map[string]int
		Color    color
		Nullable *int
		URI      *string `dotnet:"Uri"`
		Version  *string
		Kv       keyValue
	}
)

// goTypes are the counterparts of .NET's types in the recorded cases.
func goTypes() map[string]reflect.Type {
	types := make(map[string]reflect.Type)
	addValueTypes(types)
	addReferenceTypes(types)
	addCollections(types)
	addClasses(types)
	return types
}

func addValueTypes(types map[string]reflect.Type) {
	for name, v := range map[string]any{
		"bool": false, "byte": byte(0), "sbyte": int8(0), "short": int16(0), "ushort": uint16(0), "int": 0, "uint": uint(0),
		"long": int64(0), "ulong": uint64(0), "float": float32(0), "double": 0.0, "decimal": dotnet.Decimal{}, "char": dotnet.Char(0),
		"DateTime": dotnet.DateTime{}, "DateTimeOffset": dotnet.DateTimeOffset{}, "DateOnly": dotnet.DateOnly(0),
		"TimeOnly": dotnet.TimeOnly(0), "TimeSpan": dotnet.TimeSpan(0), "Guid": dotnet.GUID{},
		"Color": color(0), "Perm": color(0), "ByteEnum": byteEnum(0), "LongEnum": longEnum(0), "ULongEnum": ulongEnum(0),
		"DayOfWeek": color(0), "PropStruct": propStruct{}, "RecStruct": rec{}, "RoRecStruct": rec{}, "KeyValuePair<string,int>": keyValue{},
		"FieldStruct": struct{}{}, "ValueTuple<int>": struct{}{}, "ValueTuple<int,string>": struct{}{}, "System.Drawing.Point": point{},
		"JsonElement": json.RawMessage{}, "object": json.RawMessage{}, "JsonDocument": json.RawMessage{}, "JsonObject": json.RawMessage{},
		"JsonNode": json.RawMessage{},
	} {
		types[name] = reflect.TypeOf(v)
	}
}

func addReferenceTypes(types map[string]reflect.Type) {
	for name, v := range map[string]any{
		"string": new(string), "int?": new(int), "bool?": new(bool), "DateTime?": new(dotnet.DateTime), "Color?": new(color),
		"double?": new(float64), "PropStruct?": new(propStruct), "Named": new(string), "NamedFlags": new(string),
		"Uri": new(string), "Version": new(string),
	} {
		types[name] = reflect.TypeOf(v)
	}
}

func addCollections(types map[string]reflect.Type) {
	for name, v := range map[string]any{
		"byte[]": []byte{}, "ReadOnlyMemory<byte>": []byte{}, "List<byte>": []byteEnum{}, "int[]": []int{}, "int?[]": []*int{},
		"string[]": []*string{}, "int[][]": [][]int{}, "object[]": []json.RawMessage{}, "bool[]": []bool{}, "char[]": []dotnet.Char{},
		"double[]": []float64{}, "List<string>": []*string{}, "List<int>": []int{}, "List<object>": []json.RawMessage{},
		"List<Product>": []product{}, "HashSet<int>": []int{}, "SortedSet<int>": []int{}, "Queue<int>": []int{}, "LinkedList<int>": []int{},
		"ReadOnlyCollection<int>": []int{}, "ImmutableArray<int>": []int{}, "ArraySegment<int>": []int{}, "Memory<int>": []int{},
		"IList<int>": []int{}, "IReadOnlyList<string>": []*string{}, "ICollection<int>": []int{}, "CustomList": []int{},
		"ArrayList": []json.RawMessage{}, "IEnumerable": []json.RawMessage{}, "Queue": []int{}, "Stack": []int{},
		"NameValueCollection": []string{}, "StringDictionary": []struct{ Key, Value string }{}, "BitArray": []bool{}, "XmlDocument": []int{},
		"Dictionary<string,int>": map[string]int{}, "Dictionary<string,string>": map[string]*string{},
		"Dictionary<string,object>": map[string]json.RawMessage{}, "Dictionary<int,string>": map[int]*string{},
		"Dictionary<long,int>": map[int64]int{}, "Dictionary<DateTime,int>": map[dotnet.DateTime]int{},
		"Dictionary<Color,int>": map[string]int{}, "Dictionary<double,int>": map[float64]int{}, "Dictionary<bool,int>": map[bool]int{},
		"Dictionary<decimal,int>": map[dotnet.Decimal]int{}, "Dictionary<char,int>": map[dotnet.Char]int{},
		"Dictionary<Guid,string>": map[dotnet.GUID]*string{}, "Dictionary<Uri,int>": map[string]int{}, "Dictionary<Version,int>": map[string]int{},
		"SortedDictionary<string,int>": map[string]int{}, "SortedList<string,int>": map[string]int{}, "IDictionary": map[string]json.RawMessage{},
		"ImmutableDictionary<string,int>": map[string]int{}, "IDictionary<string,int>": map[string]int{}, "CustomDict": map[string]int{},
		"IReadOnlyDictionary<string,int>": map[string]int{}, "Hashtable": map[string]json.RawMessage{}, "SortedList": map[string]int{},
		"OrderedDictionary": map[string]int{}, "ListDictionary": map[string]int{}, "Dictionary<object,int>": map[string]int{},
	} {
		types[name] = reflect.TypeOf(v)
	}
}

func addClasses(types map[string]reflect.Type) {
	for name, v := range map[string]any{
		"Product": &product{}, "Cart": &cart{}, "Members": &members{}, "SerializableFields": &struct{}{}, "BaseP": &baseP{},
		"DerivedP": &derivedP{}, "Derived2P": &derived2P{}, "Circle": &circle{}, "ConcreteP": &aAndB{}, "PolyA": &polyA{}, "Rec": &rec{},
		"RecExtra": &recExtra{}, "CtorP": &rec{}, "CtorMismatch": &onlyID{}, "TwoCtors": &onlyA{}, "JsonCtor": &onlyA{},
		"PrivateCtor": &onlyA{}, "Req": &req{}, "ReqAttr": &onlyA{}, "camel": &camel{}, "AllTypes": &allTypes{}, "CaseTwins": &caseTwins{},
		"Tuple<int,string>": &tuple{}, "Node": &node{}, "HasDouble": &hasFloat{},
	} {
		types[name] = reflect.TypeOf(v)
	}
}
