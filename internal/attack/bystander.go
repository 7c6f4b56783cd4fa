// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sessionbridge/session/wire"
)

// A Bystander uses sessions of its own at a steady rate while others attack: it
// reads them, and counts in them with each of the two writeable exchanges. It
// complains if one fails or a count is lost.
type Bystander struct {
	Clock Clock

	server *Server
	key    string
	plain  *http.Client // HTTP/1.1
	secure *http.Client // HTTP/2 over TLS
	stop   context.CancelFunc
	users  sync.WaitGroup
}

// StandBy lets some users begin, each with an exchange at each pace.
func StandBy(ctx context.Context, s *Server, key string, users int, pace time.Duration) *Bystander {
	b := &Bystander{server: s, key: key, plain: NewClient(false), secure: NewClient(true)}
	ctx, b.stop = context.WithCancel(ctx)
	for i := range users {
		u := &user{Bystander: b, id: strings.Repeat("b", 23) + string(rune('a'+i))}
		b.users.Go(func() { u.live(ctx, pace) })
	}
	return b
}

// NewClient returns a client that speaks HTTP/1.1, or HTTP/2 over TLS.
func NewClient(secure bool) *http.Client {
	t := &http.Transport{Protocols: new(http.Protocols), MaxIdleConnsPerHost: 100, DisableCompression: true}
	t.Protocols.SetHTTP1(!secure)
	t.Protocols.SetHTTP2(secure)
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	return &http.Client{Transport: t, Timeout: 30 * time.Second}
}

// Leave ends the users and their connections and returns their first error.
func (b *Bystander) Leave() error {
	b.stop()
	b.users.Wait()
	b.plain.CloseIdleConnections()
	b.secure.CloseIdleConnections()
	return b.Clock.Err()
}

// A user is one of a bystander's, with a session of its own.
type user struct {
	*Bystander
	id    string
	known bool // count is what was committed
	count int
}

// live does one exchange after the other until ctx is done. What is under way
// then is ended well.
func (u *user) live(ctx context.Context, pace time.Duration) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	exchanges := []struct {
		name string
		do   func(context.Context) error
	}{{"read", u.read}, {"GET and PUT", u.double}, {"read", u.read}, {"POST", u.single}}
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		x := exchanges[i%len(exchanges)]
		phase, began := u.Clock.now(), time.Now()
		err := x.do(context.WithoutCancel(ctx))
		if err != nil {
			err = fmt.Errorf("a bystander's %s: %w", x.name, err)
		}
		u.Clock.keep(phase, time.Since(began), err)
	}
}

// send sends a request and returns the answer, which must be a success.
func (u *user) send(ctx context.Context, method string, body io.Reader, readOnly bool) (*http.Response, error) {
	client, base := u.plain, "http://"+u.server.Plain
	if method == http.MethodPost {
		client, base = u.secure, "https://"+u.server.TLS
	}
	r, err := http.NewRequestWithContext(ctx, method, base+Path, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set(KeyHeader, u.key)
	r.Header.Set("Cookie", CookieName+"="+u.id)
	if readOnly {
		r.Header.Set(ReadOnlyHeader, "True")
	}
	res, err := client.Do(r)
	if err == nil && res.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(res.Body)
		res.Body.Close()
		err = fmt.Errorf("%s: %s", res.Status, said)
	}
	return res, err
}

// check compares what a session has with what this user committed last.
func (u *user) check(s wire.Session) error {
	got := 0
	for _, item := range s.Items {
		got, _ = strconv.Atoi(string(item.Value))
	}
	if u.known && got != u.count {
		return fmt.Errorf("the session says %d, committed was %d", got, u.count)
	}
	u.known, u.count = true, got
	return nil
}

// read reads the session.
func (u *user) read(ctx context.Context) error {
	res, err := u.send(ctx, http.MethodGet, nil, true)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	s, err := wire.Read(res.Body, wire.Limits{})
	if err != nil {
		return err
	}
	return u.check(s)
}

// double counts by GET and PUT.
func (u *user) double(ctx context.Context) error {
	get, err := u.send(ctx, http.MethodGet, nil, false)
	if err != nil {
		return err
	}
	defer get.Body.Close()
	s, err := wire.Read(get.Body, wire.Limits{})
	if err != nil {
		return err
	}
	if err := u.check(s); err != nil {
		return err
	}
	put, err := u.send(ctx, http.MethodPut, bytes.NewReader(Update(u.id, 20, "n", strconv.Itoa(u.count+1))), false)
	if err != nil {
		return err
	}
	put.Body.Close()
	u.count++
	_, err = io.Copy(io.Discard, get.Body) // so that the connection can be used again
	return err
}

// single counts by POST.
func (u *user) single(ctx context.Context) error {
	reader, writer := io.Pipe()
	defer writer.Close()
	res, err := u.send(ctx, http.MethodPost, reader, false)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	s, err := wire.Read(res.Body, wire.Limits{})
	if err != nil {
		return err
	}
	if err := u.check(s); err != nil {
		return err
	}
	if _, err := writer.Write(Update(u.id, 20, "n", strconv.Itoa(u.count+1))); err != nil {
		return err
	}
	writer.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil || string(said) != `{"s":true}` {
		return fmt.Errorf("answer %q, %v", said, err)
	}
	u.count++
	return nil
}
