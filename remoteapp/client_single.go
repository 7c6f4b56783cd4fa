// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/wire"
)

// mostAnswer bounds what is read of the answer to a commit.
const mostAnswer = 64 << 10

// releaseTimeout bounds how long the owner may take to take a session back.
const releaseTimeout = 5 * time.Second

// A single is a session that a POST over HTTP/2 holds until its body ends.
type single struct {
	*reply
	up *upload
}

// commit sends the session and reads what came of it.
func (s *single) commit(ctx context.Context, body []byte) error {
	defer s.close()
	s.up.send(body)
	answer, err := s.answer(ctx)
	if err != nil {
		kind := session.ErrLockLost
		if errors.Is(err, context.DeadlineExceeded) {
			kind = ErrUnreachable
		}
		return s.visit.unsent(http.MethodPost, kind, err, s.up)
	}
	return s.visit.verdict(answer)
}

// answer reads the answer to its end. Newlines before it are heartbeats.
func (s *single) answer(ctx context.Context) ([]byte, error) {
	defer context.AfterFunc(ctx, s.close)()
	for {
		b, err := s.body.Peek(1)
		if err != nil || b[0] != '\n' {
			break // rest meets the error again
		}
		s.body.Discard(1)
	}
	return s.rest(ctx, mostAnswer)
}

// release sends the session back as it came: a stream that is reset is an error
// in the original's log, and one that ends without a session too. But if the
// original could not write some of the keys, it would lose them.
func (s *single) release(ctx context.Context) error {
	if len(unwritten(s.session)) > 0 {
		s.close()
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, releaseTimeout)
	defer cancel()
	return s.commit(ctx, wire.Append(nil, &s.session))
}

// byteOrderMark may precede what .NET writes as text.
var byteOrderMark = []byte("\xef\xbb\xbf")

// verdict reads the answer to a commit: {"s":true}, or why not.
func (v *visit) verdict(answer []byte) error {
	answer = bytes.TrimSpace(answer)
	if len(answer) == 0 {
		return v.unknown(http.MethodPost, errors.New("the answer ended without a word"))
	}
	var members map[string]json.RawMessage // of a struct, "S" would do as well
	err := json.Unmarshal(bytes.TrimPrefix(answer, byteOrderMark), &members)
	switch stored := string(members["s"]); {
	case err == nil && stored == "true":
		return nil
	case err == nil && stored == "false":
		return v.refusedCommit(members["m"])
	}
	e := v.unknown(http.MethodPost, err)
	e.Reason, e.Body = "the session was sent, but what the owner answered does not say whether it was stored", v.clean(string(answer), mostBody)
	return e
}

// refusedCommit returns the error of a commit that the owner says it did not
// store.
func (v *visit) refusedCommit(m json.RawMessage) *Error {
	var message string
	if len(m) > 0 && json.Unmarshal(m, &message) != nil {
		message = string(m)
	}
	if strings.HasPrefix(message, reasonUnknown) {
		e := v.unknown(http.MethodPost, nil)
		e.Reason = "the owner answered: " + v.clean(message, mostReason)
		return e
	}
	e := v.fail(http.MethodPost, ErrRefused, "the owner did not store the session: "+v.clean(message, mostReason))
	e.Remedy = "the owner's log tells more"
	if isLost(message) {
		e.Kind, e.Remedy = session.ErrLockLost, remedyLost
	}
	return e
}
