// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"time"

	"github.com/sessionbridge/session"
)

// control lets the test ask an owner in another process for figures: each
// answer is a number.
func (o *owner) control(mux *http.ServeMux, stored int) {
	answer := func(path string, measure func() (float64, error)) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			v, err := measure()
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			fmt.Fprint(w, v)
		})
	}
	answer("/memory", func() (float64, error) { return memory(), nil })
	answer("/read", func() (float64, error) { return o.readAlone(stored) })
	answer("/write", func() (float64, error) { return o.writeAlone(stored) })
}

// ask asks an owner for a figure.
func (m *meter) ask(c *child, path string) float64 {
	m.Helper()
	res, err := http.Get("http://" + c.address + path)
	must(m, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(m, err)
	v, err := strconv.ParseFloat(string(body), 64)
	if err != nil {
		m.Fatalf("%s: %s", path, body)
	}
	return v
}

// memory returns the bytes of what is alive in the heap, and of stacks.
func memory() float64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools still held
	debug.FreeOSMemory()
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples)
	return float64(samples[0].Value.Uint64() + samples[1].Value.Uint64())
}

// aloneFor is how long what is measured in the server's process runs.
const aloneFor = 200 * time.Millisecond

// perCall returns the seconds that a call takes.
func perCall(call func(id string) error, stored int) (float64, error) {
	began, n := time.Now(), 0
	for ; time.Since(began) < aloneFor; n++ {
		if err := call(sessionID(rand.IntN(stored))); err != nil {
			return 0, err
		}
	}
	return time.Since(began).Seconds() / float64(n), nil
}

// readAlone measures a read in the handler.
func (o *owner) readAlone(stored int) (float64, error) {
	r, w := readRequest(), &sink{header: make(http.Header)}
	return perCall(func(id string) error {
		r.Header["Cookie"][0] = cookie + "=" + id
		clear(w.header)
		o.handler.ServeHTTP(w, r)
		return nil
	}, stored)
}

// writeAlone measures a hold and a commit that changes a value.
func (o *owner) writeAlone(stored int) (float64, error) {
	updates := []session.Update{update(items(sampleKeys, 'b')), update(items(sampleKeys, 'c'))}
	n := 0
	return perCall(func(id string) error {
		h, err := o.manager.Hold(context.Background(), session.HoldRequest{ID: id, Client: clientName})
		if err != nil {
			return err
		}
		n++
		return h.Commit(context.Background(), updates[n%2])
	}, stored)
}
