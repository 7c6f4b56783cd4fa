// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/sessionbridge/session/remoteapp"
)

// lastAnswers is how long connections have to take the rest of their answers.
const lastAnswers = 2 * time.Second

// A server serves one handler at one address until it is closed.
type server struct {
	url     *url.URL
	http    *http.Server
	stop    context.CancelFunc // ends the requests that are under way
	serving sync.WaitGroup
}

// listen opens an address, or a free port of this machine if it is taken.
func listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		l, err = config.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	return l, err
}

// startServer starts to serve a handler. Failed receives why it ends, if that
// is not because it was closed.
func startServer(ctx context.Context, address string, h http.Handler, log *slog.Logger, failed chan<- error) (*server, error) {
	l, err := listen(ctx, address)
	if err != nil {
		return nil, err
	}
	s := newServer(l, h, log)
	s.serving.Go(func() {
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			select {
			case failed <- err:
			default: // another one has failed before
			}
		}
	})
	return s, nil
}

func newServer(l net.Listener, h http.Handler, log *slog.Logger) *server {
	life, stop := context.WithCancel(context.Background())
	s := &server{url: &url.URL{Scheme: "http", Host: l.Addr().String()}, stop: stop}
	s.http = &http.Server{
		Handler:     h,
		BaseContext: func(net.Listener) context.Context { return life },
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	remoteapp.PrepareServer(s.http)
	return s
}

// close ends the requests that are under way, and waits for them.
func (s *server) close() {
	s.stop()
	ctx, cancel := context.WithTimeout(context.Background(), lastAnswers)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		s.http.Close() // an error would be that of a listener, which is closed
	}
	s.serving.Wait()
}
