// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/remoteapp"
	"github.com/sessionbridge/session/wire"
)

// FuzzAnswer lets an owner answer a reader with anything: it is the session that
// the bytes are, or an error that has no key in it.
func FuzzAnswer(f *testing.F) {
	f.Add(uint16(200), "application/json; charset=utf-8", update(testID, "n", "1"))
	f.Add(uint16(200), "text/html", []byte("<html>"+shopKey))
	f.Add(uint16(302), "", []byte("moved"))
	f.Add(uint16(401), "application/problem+json", []byte(`{"title":"Unauthorized","detail":"`+shopKey+`"}`))
	f.Add(uint16(503), "application/problem+json", []byte(`{"type":"urn:sessionbridge:problem:busy","title":"\ud800","detail":1}`))
	f.Fuzz(func(t *testing.T, status uint16, contentType string, body []byte) {
		code := 200 + int(status)%400
		c := asks(t, remoteapp.Auto, func(r *http.Request) *http.Response {
			return answered(r, code, contentType, io.NopCloser(bytes.NewReader(body)))
		})
		opened, err := c.Open(t.Context(), testID, session.ReadOnly)
		if err != nil {
			if strings.Contains(err.Error(), shopKey) || strings.Contains(err.Error(), testID) {
				t.Errorf("the error has a secret in it: %v", err)
			}
			return
		}
		defer opened.Release(t.Context())
		if _, _, err := wire.Decode(body, wire.Limits{}); code/100 != 2 || err != nil {
			t.Errorf("%d %q is a session, %v", code, body, err)
		}
	})
}

// FuzzVerdict lets an owner answer a commit by POST with anything: only JSON
// whose s is true is a success.
func FuzzVerdict(f *testing.F) {
	for _, answer := range []string{`{"s":true}`, "\n\n \ufeff{\"s\": true }\n", `{"S":true}`, `{"s":false,"m":"` + shopKey + `"}`,
		`{"s":"true"}`, `{"s":true}{`, `[true]`, "", "\n", "\x80", `{"s":false,"s":true}`} {
		f.Add([]byte(answer))
	}
	visits := session.NewKey[int]("visits")
	f.Fuzz(func(t *testing.T, answer []byte) {
		c := asks(t, remoteapp.Single, func(r *http.Request) *http.Response {
			reader, writer := io.Pipe()
			go func() {
				writer.Write(update(testID, "visits", "1"))
				io.Copy(io.Discard, r.Body)
				writer.Write(answer)
				writer.Close()
			}()
			return answered(r, http.StatusOK, "text/event-stream", reader)
		})
		opened, err := c.Open(t.Context(), testID, session.Writable)
		must(t, err)
		defer opened.Release(t.Context())
		must(t, visits.Set(opened.Session(), 2))
		err = opened.Commit(t.Context())
		if (err == nil) != saysTrue(answer) {
			t.Errorf("%q: %v", answer, err)
		}
		if err != nil && strings.Contains(err.Error(), shopKey) {
			t.Errorf("the error has the key in it: %v", err)
		}
	})
}

// saysTrue reports whether an answer says that the session is stored.
func saysTrue(answer []byte) bool {
	answer = bytes.TrimPrefix(bytes.TrimSpace(bytes.TrimLeft(answer, "\n")), []byte("\ufeff"))
	var members map[string]any
	return len(answer) < 64<<10 && json.Unmarshal(answer, &members) == nil && cmp.Equal(members["s"], any(true))
}
