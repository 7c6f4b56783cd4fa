// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sessionbridge/session/pebblestore"
)

// stewardName is a socket in the directory of a store, that only its owner can
// come to.
const stewardName = "steward"

// A steward checks and backs up a store on disk while it is in use, for
// sessionbridge store: no other process can open it.
type steward struct {
	store  *pebblestore.Store
	server *http.Server
	life   context.Context
	stop   context.CancelFunc

	mu    sync.Mutex     // life ends, and under grows, under it
	under sync.WaitGroup // accepting and answering
}

// A word is a line of what a steward answers. The last one has what came of it.
type word struct {
	Records int                 `json:"records,omitempty"` // progress
	Done    bool                `json:"done,omitempty"`
	Error   string              `json:"error,omitempty"`
	Report  *pebblestore.Report `json:"report,omitempty"`
}

// openSteward opens the steward of a store. The socket of a process that was
// killed is removed: who has the store open has its directory.
func openSteward(store *pebblestore.Store, dir string, log *slog.Logger) (*steward, error) {
	path := filepath.Join(dir, stewardName)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, tooLong(path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s := &steward{store: store}
	s.life, s.stop = context.WithCancel(context.Background())
	mux := http.NewServeMux()
	mux.HandleFunc("POST /check", s.check)
	mux.HandleFunc("POST /backup", s.backup)
	s.server = &http.Server{Handler: mux, ErrorLog: newServerLog(log), ReadTimeout: 10 * time.Second}
	s.under.Go(func() { s.server.Serve(l) })
	return s, nil
}

// tooLong says what to do about a path that no socket can have. The system only
// says that it is invalid.
func tooLong(path string, err error) error {
	if errors.Is(err, syscall.EINVAL) && len(path) > 90 {
		return fmt.Errorf("%w: that name has %d bytes, and the name of a socket has room for some 100; use a shorter directory (file.dir)", err, len(path))
	}
	return err
}

// close breaks off what is under way and waits for its end.
func (s *steward) close() {
	s.mu.Lock()
	s.stop()
	s.mu.Unlock()
	s.server.Close() // an error would be that of the listener
	s.under.Wait()
}

// begin reports whether the store may still be used, until under is done.
func (s *steward) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.Err() != nil {
		return false
	}
	s.under.Add(1)
	return true
}

func (s *steward) check(w http.ResponseWriter, r *http.Request) {
	s.answer(w, r, func(ctx context.Context, progress func(int)) (*pebblestore.Report, error) {
		report, err := s.store.Check(ctx, progress)
		return &report, err
	})
}

func (s *steward) backup(w http.ResponseWriter, r *http.Request) {
	s.answer(w, r, func(ctx context.Context, progress func(int)) (*pebblestore.Report, error) {
		return nil, s.store.Backup(ctx, r.FormValue("to"), progress)
	})
}

// answer does something and tells how far it is, until it is done or nobody
// listens any more.
func (s *steward) answer(w http.ResponseWriter, r *http.Request, do func(context.Context, func(int)) (*pebblestore.Report, error)) {
	if !s.begin() {
		return
	}
	defer s.under.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	out, flush := json.NewEncoder(w), http.NewResponseController(w)
	tell := func(what word) {
		if out.Encode(what) != nil || flush.Flush() != nil {
			cancel()
		}
	}
	report, err := do(ctx, func(records int) { tell(word{Records: records}) })
	last := word{Done: true, Report: report}
	if err != nil {
		last.Error = err.Error()
	}
	tell(last)
}

// CheckInUse has the process that has the store of a directory open check it;
// see [pebblestore.Store.Check]. inUse is the error that tells which that is.
func CheckInUse(ctx context.Context, dir string, inUse error, progress func(records int)) (pebblestore.Report, error) {
	last, err := askSteward(ctx, dir, "check", "", inUse, progress)
	if err != nil || last.Report == nil {
		return pebblestore.Report{}, err
	}
	return *last.Report, nil
}

// BackupInUse has the process that has the store of a directory open make a copy
// in another directory; see [pebblestore.Store.Backup]. inUse is the error that
// tells which that is.
func BackupInUse(ctx context.Context, dir, to string, inUse error, progress func(records int)) error {
	to, err := filepath.Abs(to) // that process is somewhere else
	if err == nil {
		_, err = askSteward(ctx, dir, "backup", to, inUse, progress)
	}
	return err
}

// askSteward asks for something and returns the last word.
func askSteward(ctx context.Context, dir, what, to string, inUse error, progress func(int)) (word, error) {
	path := filepath.Join(dir, stewardName)
	var reached atomic.Bool
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, "unix", path)
		reached.Store(err == nil)
		return c, err
	}}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://steward/"+what, http.NoBody)
	if err != nil {
		return word{}, err
	}
	query := r.URL.Query()
	query.Set("to", to)
	r.URL.RawQuery = query.Encode()
	answer, err := transport.RoundTrip(r)
	switch {
	case err != nil && reached.Load():
		return word{}, brokenOff(ctx, err)
	case err != nil:
		return word{}, fmt.Errorf("%w; it can't be asked to: %w", inUse, tooLong(path, err))
	}
	defer answer.Body.Close()
	for in := json.NewDecoder(answer.Body); ; {
		var now word
		switch err := in.Decode(&now); {
		case err != nil:
			return word{}, brokenOff(ctx, err)
		case now.Error != "":
			return word{}, errors.New(now.Error)
		case now.Done:
			return now, nil
		}
		progress(now.Records)
	}
}

// brokenOff is the error of an answer that breaks off.
func brokenOff(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("the process that has the store ended before it was done: %w", err)
}
