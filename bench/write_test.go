// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

// writers is how many clients write at once, each to a session of its own.
const writers = 8

// writeCycle measures a held GET that a PUT ends.
func writeCycle(m *meter) []line {
	o := m.startOwner(writers)
	at := func(path string) []client {
		return crowd(writers, func(i int) client { return m.cycleClient(o.address, path, func() string { return sessionID(i) }) })
	}
	c := m.compareLoad(at(pathCycle), at(pathOurs))
	return []line{c.throughput("writeable GET + PUT, 1 KB, HTTP/1.1, 8 writers", "cycles/s", 0.85)}
}

// cycleClient returns a client that writes over two connections, to the session
// that next names.
func (m *meter) cycleClient(address, path string, next func() string) client {
	m.Helper()
	gets, puts := dial1(m, address), dial1(m, address)
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
	o := m.startOwner(writers)
	at := func(path string) []client {
		return crowd(writers, func(i int) client { return m.duplexClient(o.address, path, sessionID(i)) })
	}
	c := m.compareLoad(at(pathDuplex), at(pathOurs))
	return []line{c.throughput("duplex POST, 1 KB, HTTP/2, 8 writers", "cycles/s", 0.85)}
}

// duplexClient returns a client that writes over one stream.
func (m *meter) duplexClient(address, path, id string) client {
	m.Helper()
	conn := dial2(m, address)
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
