// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// errUploadClosed: the transport wants nothing more of a body.
var errUploadClosed = errors.New("the body is not wanted any more")

// An upload is the body of a request, which may be there only later. The request
// may be sent more than once, as long as nobody has begun to process it.
type upload struct {
	ctx   context.Context // of the request
	most  int32           // how often it may be sent; 0 means as often as it takes
	sent  atomic.Int32    // how often the transport has begun to
	ready chan struct{}   // closed when data is there
	data  []byte
	whole atomic.Bool // the last try has taken all of data
}

func newUpload(most int32) *upload { return &upload{most: most, ready: make(chan struct{})} }

// attach makes the upload the body of a request.
func (u *upload) attach(req *http.Request) {
	u.ctx = req.Context()
	req.ContentLength = -1
	select {
	case <-u.ready:
		req.ContentLength = int64(len(u.data))
	default:
	}
	req.GetBody = u.open
	req.Body, _ = u.open() // the first try is allowed
}

// open returns the body for one more try. net/http asks for one more often than
// it sends a request, so those count that it reads from, after the headers.
func (u *upload) open() (io.ReadCloser, error) {
	if u.most > 0 && u.sent.Load() >= u.most {
		return nil, errRetriedEnough
	}
	u.whole.Store(false)
	return &uploadBody{u: u, closed: make(chan struct{})}, nil
}

// send lets the request go on, with these bytes and its end.
func (u *upload) send(data []byte) {
	u.data = data
	close(u.ready)
}

// An uploadBody is the body of one try.
type uploadBody struct {
	u      *upload
	begun  bool
	off    int
	once   sync.Once
	closed chan struct{}
}

// Read waits until there is something to send, and ends with the request's
// context: nobody else looks at that while it waits.
func (b *uploadBody) Read(p []byte) (int, error) {
	if !b.begun {
		b.begun = true
		b.u.sent.Add(1)
	}
	select {
	case <-b.u.ready:
	case <-b.closed:
	case <-b.u.ctx.Done():
	}
	select {
	case <-b.closed:
		return 0, errUploadClosed
	case <-b.u.ctx.Done():
		return 0, context.Cause(b.u.ctx)
	default:
	}
	n := copy(p, b.u.data[b.off:])
	if b.off += n; b.off < len(b.u.data) {
		return n, nil
	}
	b.u.whole.Store(true)
	return n, io.EOF
}

func (b *uploadBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}
