// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/sessionbridge/session/wire"
)

// A session arrives on a stream that goes on.
func ExampleRead() {
	var stream bytes.Buffer
	stream.Write(wire.Append(nil, &wire.Session{
		Header: wire.Header{ID: "x5b3ijpyk0sh4ml2l4v5ydff", Timeout: 20},
		Items:  []wire.Item{{Key: "user", Value: []byte(`"ada"`)}},
	}))
	stream.WriteString("\n\n")

	s, err := wire.Read(&stream, wire.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	rest, _ := io.ReadAll(bufio.NewReader(&stream))
	fmt.Printf("%s is %s, for %d minutes; %q follows\n", s.Items[0].Key, s.Items[0].Value, s.Timeout, rest)
	// Output: user is "ada", for 20 minutes; "\n\n" follows
}

// A client that is allowed to see the cart changes it, while another page
// counts visits.
func ExampleMerge() {
	item := func(key, value string) wire.Item { return wire.Item{Key: key, Value: []byte(value)} }
	base := wire.AppendItems(nil, []wire.Item{item("user", `"ada"`), item("cart", `[1]`), item("coupon", `"X"`), item("visits", `1`)}, nil)
	current := wire.AppendItems(nil, []wire.Item{item("user", `"ada"`), item("cart", `[1]`), item("coupon", `"X"`), item("visits", `2`)}, nil)
	update := wire.AppendItems(nil, []wire.Item{item("cart", `[1,2]`)}, nil)

	scope, err := wire.ParseScope([]string{"cart*", "coupon"})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := wire.Merge(base, update, current, wire.MergeOptions{Scope: scope})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("set", m.Set, "removed", m.Removed, "conflicts", m.Conflicts)
	for sc := wire.Scan(m.Data); sc.Next(); {
		fmt.Printf("%s = %s\n", sc.Key(), sc.Value())
	}
	// Output:
	// set [cart] removed [coupon] conflicts []
	// user = "ada"
	// cart = [1,2]
	// visits = 2
}

// What a proxy answers instead of a session is most often a page.
func ExampleFormatError() {
	_, _, err := wire.Decode([]byte("<html><body>502 Bad Gateway</body></html>"), wire.Limits{})
	fmt.Println(err)
	// Output: wire: version at offset 0: format version 60, want 1; the input begins "<html><body>502 Bad Gateway</body></html>"
}
