// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package memstore_test

import (
	"context"
	"fmt"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/memstore"
)

func Example() {
	store, err := memstore.New(memstore.Options{MaxBytes: 256 << 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	_, err = store.Get(context.Background(), session.NewID(), session.GetOptions{})
	fmt.Println(err)
	// Output: session not found
}
