// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package dotnet_test

import (
	"fmt"
	"reflect"
	"time"

	"github.com/sessionbridge/session/dotnet"
)

// A struct in Go stands for a class in C#:
//
//	public class Order
//	{
//	    public int Id { get; set; }
//	    public string? Note { get; set; }
//	    public decimal Total { get; set; }
//	    public DateTime Placed { get; set; }
//	    public TimeSpan? Delay { get; set; }
//	}
func ExampleCodec() {
	type Order struct {
		ID     int `dotnet:"Id"`
		Note   *string
		Total  dotnet.Decimal
		Placed dotnet.DateTime
		Delay  *time.Duration
	}
	fromDotNet := `{"Id":7,"Note":null,"Total":12.50,"Placed":"2024-02-29T13:45:30Z","Delay":"1.00:30:00"}`

	var codec dotnet.Codec
	var order Order
	if err := codec.Unmarshal([]byte(fromDotNet), &order); err != nil {
		fmt.Println(err)
	}
	fmt.Println(order.ID, order.Total, order.Placed.Time().Weekday(), *order.Delay)

	order.ID++
	text, err := codec.Marshal(order)
	fmt.Println(string(text), err)
	// Output:
	// 7 12.50 Thursday 24h30m0s
	// {"Id":8,"Note":null,"Total":12.50,"Placed":"2024-02-29T13:45:30Z","Delay":"1.00:30:00"} <nil>
}

// A nil slice or map is null, which a property that begins as [] or new() in C#
// never is there. A function that makes new values sets an empty one; a make or
// a literal is, what append makes of nothing is not.
//
//	public class Order
//	{
//	    public List<int> Lines { get; set; } = [];
//	    public Dictionary<string, string> Notes { get; set; } = new();
//	}
func ExampleCodec_Marshal_empty() {
	type Order struct {
		Lines []int
		Notes map[string]string
	}
	newOrder := func() Order { return Order{Lines: []int{}, Notes: map[string]string{}} }

	var codec dotnet.Codec
	for _, order := range []Order{{}, newOrder()} {
		text, err := codec.Marshal(order)
		fmt.Println(string(text), err)
	}
	// Output:
	// {"Lines":null,"Notes":null} <nil>
	// {"Lines":[],"Notes":{}} <nil>
}

// A struct with a rest writes down no more than the page needs, and takes nothing
// away from the other program.
func ExampleRest() {
	type Order struct {
		ID   int `dotnet:"Id"`
		Rest dotnet.Rest
	}
	fromDotNet := `{"Id":7,"Note":null,"Total":12.50}`

	var codec dotnet.Codec
	var order Order
	if err := codec.Unmarshal([]byte(fromDotNet), &order); err != nil {
		fmt.Println(err)
	}
	order.ID++
	text, err := codec.Marshal(order)
	fmt.Println(string(text), err)

	strict := dotnet.Codec{Strict: true} // for who has no rest: session.NewKey[…]("order").WithCodec(&strict)
	fmt.Println(strict.Unmarshal([]byte(fromDotNet), &struct {
		ID int `dotnet:"Id"`
	}{}))
	// Output:
	// {"Id":8,"Note":null,"Total":12.50} <nil>
	// dotnet: $.Note, byte 8: found a property that the struct lacks, want a field for it, or a dotnet.Rest
}

// Of a type that .NET could not read, all is told at once.
func ExampleCodec_Check() {
	type User struct {
		Name  string `json:"name"`
		Notes map[string]any
	}
	var codec dotnet.Codec
	err := codec.Check(reflect.TypeFor[User]())
	for _, complaint := range err.(*dotnet.TypeError).Complaints {
		fmt.Println(complaint.Path, complaint.Reason)
	}
	// Output:
	// $.Name has the tag json:"name", which .NET would not heed; say what .NET calls it beside that, as in dotnet:"name"
	// $.Notes.* is an interface, which doesn't say what to read; use a concrete type, or json.RawMessage for a .NET object
}

// A value of another type than expected is never taken for one.
func ExampleReadError() {
	var codec dotnet.Codec
	var cart struct{ Lines []struct{ Quantity int } }
	err := codec.Unmarshal([]byte(`{"Lines":[{"Quantity":1},{"Quantity":"2"}]}`), &cart)
	fmt.Println(err)
	// Output:
	// dotnet: $.Lines[1].Quantity, byte 37: found a string, want a number of type int
}

// A decimal keeps its digits; math/big calculates with it.
func ExampleDecimal() {
	price, _ := dotnet.ParseDecimal("19.90")
	three, _ := dotnet.NewDecimal(3, 0)
	total := price.Rat()
	total.Mul(total, three.Rat())
	rounded, err := dotnet.RoundDecimal(total, 2)
	fmt.Println(price, rounded, err)
	// Output:
	// 19.90 59.70 <nil>
}

// A DateTime has a kind, which its text tells.
func ExampleDateTime() {
	t := time.Date(2024, 2, 29, 13, 45, 30, 500_000_000, time.FixedZone("", 2*60*60))
	for _, kind := range []dotnet.Kind{dotnet.Unspecified, dotnet.UTC, dotnet.Local} {
		fmt.Println(dotnet.NewDateTime(t, kind))
	}
	// Output:
	// 2024-02-29T13:45:30.5
	// 2024-02-29T11:45:30.5Z
	// 2024-02-29T13:45:30.5+02:00
}
