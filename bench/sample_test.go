// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/wire"
)

const (
	apiKey    = "5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7"
	keyHeader = "X-SystemWebAdapter-RemoteAppAuthentication-Key"
	modeName  = "X-SystemWebAdapter-RemoteAppSession-ReadOnly"
	cookie    = "ASP.NET_SessionId"
	trace     = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
)

// timeout is that of the sessions.
const timeout = 20 * time.Minute

// sessionID returns the id of the session with a number.
func sessionID(i int) string { return fmt.Sprintf("%024d", i) }

// items returns the items form of a session of 1 KB in a number of keys, one of
// which has a value that a page may change.
func items(keys int, changed byte) []byte {
	var list []wire.Item
	for i := range keys {
		value := `"` + strings.Repeat("a", 1000/keys-8) + `"`
		list = append(list, wire.Item{Key: fmt.Sprintf("key%02d", i), Value: []byte(value)})
	}
	list[0].Value[1] = changed
	return wire.AppendItems(nil, list, nil)
}

// sessionBytes returns a whole session as it crosses the wire.
func sessionBytes(id string, items []byte) []byte {
	head := wire.AppendHeader(nil, &wire.Header{ID: id, Timeout: int32(timeout / time.Minute)})
	return append(head, items...)
}

// A message is a request as it is sent, with the id of a session in it, once or
// more often.
type message struct {
	raw []byte
	at  []int // where the id stands
}

func newMessage(raw []byte, id string) message {
	m := message{raw: raw}
	for from := 0; ; {
		i := bytes.Index(raw[from:], []byte(id))
		if i < 0 {
			return m
		}
		m.at = append(m.at, from+i)
		from += i + len(id)
	}
}

// name puts another id into the message.
func (m message) name(id string) []byte {
	for _, at := range m.at {
		copy(m.raw[at:], id)
	}
	return m.raw
}

// getMessage returns a GET for a session.
func getMessage(path, id string, readOnly bool) message {
	return newMessage(fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: owner\r\n%s: %s\r\n%s: %t\r\nCookie: %s=%s\r\nTraceparent: %s\r\n\r\n",
		path, keyHeader, apiKey, modeName, readOnly, cookie, id, trace), id)
}

// putMessage returns a PUT that sends a session back, chunked as by .NET.
func putMessage(path, id string, items []byte) message {
	body := sessionBytes(id, items)
	return newMessage(fmt.Appendf(nil, "PUT %s HTTP/1.1\r\nHost: owner\r\n%s: %s\r\nCookie: %s=%s\r\nTraceparent: %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
		path, keyHeader, apiKey, cookie, id, trace, len(body), body), id)
}

// update returns an update with items.
func update(items []byte) session.Update {
	return session.Update{Client: session.Client{Name: clientName}, Items: items, Timeout: timeout}
}
