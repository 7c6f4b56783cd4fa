// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/sessionbridge/session/wire"
)

// writers is how many clients write at once, each to a session of its own.
const writers = 8

// stored is how many sessions a server has where that does not matter. One that
// has none collects its garbage all the time.
const stored = 10_000

// writeCycle measures a held GET that a PUT ends.
func writeCycle(m *meter) []line {
	o := m.startOwner(10_000)
	at := func(path string) []client {
		return crowd(writers, func(i int) client { return cycleClient(m, o.address, path, func() string { return sessionID(i) }) })
	}
	c := m.compareLoad(at(pathCycle), at(pathOurs))
	usual := func(path string) []client { return []client{usualClient(m, o.address, path)} }
	d := m.compareLoad(usual(pathCycle), usual(pathOurs))
	return []line{
		c.throughput("writeable GET + PUT, 1 KB, HTTP/1.1, 8 writers", "cycles/s", 0.85),
		d.throughput("the same, 1 writer, with the client of net/http", "cycles/s", 0.85),
	}
}

// cycleClient returns a client that writes over two connections, to the session
// that next names.
func cycleClient(tb testing.TB, address, path string, next func() string) client {
	tb.Helper()
	gets, puts := dial1(tb, address), dial1(tb, address)
	first := sessionID(0)
	get, bodies := getMessage(path, first, false), []message{putMessage(path, first, items(sampleKeys, 'b')), putMessage(path, first, items(sampleKeys, 'c'))}
	n := 0
	return func() error {
		id := next()
		n++
		if err := gets.hold(get.name(id)); err != nil {
			return err
		}
		if err := puts.get(bodies[n%2].name(id)); err != nil {
			return err
		}
		return gets.rest()
	}
}

// duplexCycle measures a POST whose two directions stay open.
func duplexCycle(m *meter) []line {
	o := m.startOwner(10_000)
	at := func(path string) []client {
		return crowd(writers, func(i int) client { return duplexClient(m, o.address, path, sessionID(i)) })
	}
	c := m.compareLoad(at(pathDuplex), at(pathOurs))
	return []line{c.throughput("duplex POST, 1 KB, HTTP/2, 8 writers", "cycles/s", 0.85)}
}

// duplexClient returns a client that writes over one stream.
func duplexClient(tb testing.TB, address, path, id string) client {
	tb.Helper()
	conn := dial2(tb, address)
	bodies := [][]byte{sessionBytes(id, items(sampleKeys, 'b')), sessionBytes(id, items(sampleKeys, 'c'))}
	n := 0
	return func() error {
		n++
		if err := conn.post(path, id); err != nil {
			return err
		}
		if err := conn.await(false); err != nil {
			return err
		}
		if err := conn.finish(bodies[n%2]); err != nil {
			return err
		}
		return conn.await(true)
	}
}

// usualClient returns a client that writes by means of net/http, to the session
// with number 0.
func usualClient(tb testing.TB, address, path string) client {
	tb.Helper()
	transport := &http.Transport{DisableCompression: true}
	tb.Cleanup(transport.CloseIdleConnections)
	id := sessionID(0)
	ask := func(method string, body io.Reader) (*http.Response, error) {
		r, err := http.NewRequest(method, "http://"+address+path, body)
		if err != nil {
			return nil, err
		}
		r.Header.Set(keyHeader, apiKey)
		r.Header.Set("Cookie", cookie+"="+id)
		r.Header.Set("Traceparent", trace)
		return transport.RoundTrip(r)
	}
	bodies := [][]byte{sessionBytes(id, items(sampleKeys, 'b')), sessionBytes(id, items(sampleKeys, 'c'))}
	n := 0
	return func() error {
		n++
		held, err := ask(http.MethodGet, nil)
		if err != nil {
			return err
		}
		defer held.Body.Close()
		if _, err := wire.Read(held.Body, wire.Limits{}); err != nil {
			return err
		}
		done, err := ask(http.MethodPut, io.MultiReader(bytes.NewReader(bodies[n%2]))) // of unknown length: chunked
		if err != nil {
			return err
		}
		defer done.Body.Close()
		if done.StatusCode != http.StatusOK {
			return fmt.Errorf("the server answers %s", done.Status)
		}
		_, err = io.Copy(io.Discard, held.Body)
		return err
	}
}
