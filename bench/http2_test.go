// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A conn2 is a client's HTTP/2 connection, by prior knowledge, for one caller at
// a time. It too does no more than it must.
type conn2 struct {
	net.Conn
	out    *bufio.Writer
	frames *http2.Framer
	fields bytes.Buffer
	hpack  *hpack.Encoder
	stream uint32 // the newest
	owed   uint32 // bytes to let the server send again
}

func dial2(tb testing.TB, address string) *conn2 {
	tb.Helper()
	c, err := net.Dial("tcp", address)
	must(tb, err)
	tb.Cleanup(func() { c.Close() })
	must(tb, c.SetDeadline(time.Now().Add(patience)))
	conn := &conn2{Conn: c, out: bufio.NewWriter(c), stream: 1}
	conn.frames = http2.NewFramer(conn.out, bufio.NewReader(c))
	conn.frames.SetReuseFrames()
	conn.hpack = hpack.NewEncoder(&conn.fields)
	_, err = conn.out.WriteString(http2.ClientPreface)
	must(tb, err)
	must(tb, conn.frames.WriteSettings())
	must(tb, conn.frames.WriteWindowUpdate(0, 1<<30))
	return conn
}

// post begins a POST, whose body stays open.
func (c *conn2) post(path, id string) error {
	c.stream += 2
	c.fields.Reset()
	for _, field := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":authority", "owner"}, {":path", path},
		{"x-systemwebadapter-remoteappauthentication-key", apiKey}, {"x-systemwebadapter-remoteappsession-readonly", "False"},
		{"cookie", cookie + "=" + id}, {"traceparent", trace},
	} {
		if err := c.hpack.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
			return err
		}
	}
	err := c.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: c.stream, BlockFragment: c.fields.Bytes(), EndHeaders: true})
	if err != nil {
		return err
	}
	return c.out.Flush()
}

// finish ends the body of the POST.
func (c *conn2) finish(body []byte) error {
	if err := c.frames.WriteData(c.stream, true, body); err != nil {
		return err
	}
	if c.owed > 1<<28 {
		if err := c.frames.WriteWindowUpdate(0, c.owed); err != nil {
			return err
		}
		c.owed = 0
	}
	return c.out.Flush()
}

// await reads until the answer has begun, or ended.
func (c *conn2) await(end bool) error {
	for {
		frame, err := c.frames.ReadFrame()
		if err != nil {
			return err
		}
		switch f := frame.(type) {
		case *http2.HeadersFrame:
			if first := f.HeaderBlockFragment()[0]; first != 0x88 && first&0xe0 != 0x20 { // :status 200, or the size of a table before it
				return fmt.Errorf("the server answers with another status than 200")
			}
		case *http2.DataFrame:
			c.owed += f.Length
			if f.StreamEnded() || !end && f.Length > 0 {
				return nil
			}
		default:
			if err := c.mind(frame); err != nil {
				return err
			}
		}
	}
}

// mind answers what concerns the connection.
func (c *conn2) mind(frame http2.Frame) error {
	switch f := frame.(type) {
	case *http2.SettingsFrame:
		if !f.IsAck() {
			c.frames.WriteSettingsAck()
		}
	case *http2.PingFrame:
		if !f.IsAck() {
			c.frames.WritePing(true, f.Data)
		}
	case *http2.WindowUpdateFrame:
	default:
		return fmt.Errorf("the server sends %v", frame)
	}
	return c.out.Flush()
}
