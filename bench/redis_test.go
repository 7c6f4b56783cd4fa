// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/rueidis"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/redistest"
	"github.com/sessionbridge/session/redisstore"
)

// redisCycle compares a hold and a commit, which are what a GET and its PUT ask
// of Redis, with a bare GET and SET of the same bytes.
func redisCycle(m *meter) (lines []line) {
	server := redistest.Start(m.T)
	bare, manager := m.bareRedis(server), m.managerOf(m.openRedis(server))
	for _, n := range []int{1, 4 * writers} {
		null := crowd(n, func(i int) client { return bareCycle(m.Context(), bare, sessionID(i)) })
		ours := crowd(n, func(i int) client { return heldCycle(m.Context(), manager, func() string { return sessionID(i) }) })
		c := m.compareLoad(null, ours).cost()
		lines = append(lines, c.figure(fmt.Sprintf("Redis: hold and commit 1 KB (bare: GET and SET), writers: %d", n)))
	}
	return lines
}

// redisHandOff compares the time from a commit on one node to the hold of a
// writer that waits on another with that of one message.
func redisHandOff(m *meter) []line {
	server := redistest.Start(m.T)
	message := m.messenger(server)
	from, to := m.managerOf(m.openRedis(server)), m.managerOf(m.openRedis(server))
	pass := nodePasser(m.Context(), from, to)
	c := m.compare(func() float64 { return m.medianOf(message) }, func() float64 { return m.medianOf(pass) })
	l := c.figure("lock hand-off between two nodes through Redis (bare: PUBLISH until SUBSCRIBE hears of it)")
	l.bar, l.verdict = "≤ 5", holds(median(c.ratio) <= 5)
	return []line{l}
}

// bareRedis returns a client that knows no session.
func (m *meter) bareRedis(server *redistest.Server) rueidis.Client {
	m.Helper()
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr()}, DisableCache: true})
	must(m, err)
	m.Cleanup(c.Close)
	return c
}

func (m *meter) openRedis(server *redistest.Server) session.Store {
	m.Helper()
	s, err := redisstore.Open(m.Context(), redisstore.Options{URL: server.URL(), Logger: slog.New(slog.DiscardHandler)})
	must(m, err)
	m.closeAtEnd(s)
	return s
}

func (m *meter) closeAtEnd(s session.Store) {
	m.Cleanup(func() {
		if err := s.Close(); err != nil {
			m.Error(err)
		}
	})
}

func (m *meter) managerOf(s session.Store) *session.Manager {
	m.Helper()
	manager, err := session.OpenManager(m.Context(), s, session.ManagerOptions{Logger: slog.New(slog.DiscardHandler)})
	must(m, err)
	m.Cleanup(manager.Close)
	return manager
}

// bareCycle gets what is stored and sets the bytes of a session.
func bareCycle(ctx context.Context, c rueidis.Client, key string) client {
	data := string(items(sampleKeys, 'b'))
	return func() error {
		if err := c.Do(ctx, c.B().Get().Key(key).Build()).Error(); err != nil && !rueidis.IsRedisNil(err) {
			return err
		}
		return c.Do(ctx, c.B().Set().Key(key).Value(data).Build()).Error()
	}
}

// heldCycle holds a session and commits a change of one value.
func heldCycle(ctx context.Context, manager *session.Manager, next func() string) client {
	updates := []session.Update{update(items(sampleKeys, 'b')), update(items(sampleKeys, 'c'))}
	n := 0
	return func() error {
		h, err := manager.Hold(ctx, session.HoldRequest{ID: next(), Client: clientName})
		if err != nil {
			return err
		}
		n++
		return h.Commit(ctx, updates[n%2])
	}
}

// messenger returns a function that sends a message through Redis and returns
// how long it was on its way.
func (m *meter) messenger(server *redistest.Server) func() (time.Duration, error) {
	m.Helper()
	from, to := m.bareRedis(server), m.bareRedis(server)
	ctx, cancel := context.WithCancel(m.Context())
	subscribed, heard, ended := make(chan struct{}), make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(ended)
		ctx := rueidis.WithOnSubscriptionHook(ctx, func(rueidis.PubSubSubscription) { close(subscribed) })
		_ = to.Receive(ctx, to.B().Subscribe().Channel("messages").Build(), func(rueidis.PubSubMessage) { heard <- struct{}{} }) // ends with the context
	}()
	m.Cleanup(func() {
		cancel()
		<-ended
	})
	<-subscribed
	return func() (time.Duration, error) {
		began := time.Now()
		if err := from.Do(ctx, from.B().Publish().Channel("messages").Message(sessionID(0)).Build()).Error(); err != nil {
			return 0, err
		}
		<-heard
		return time.Since(began), nil
	}
}

// nodePasser returns a function that lets a writer of one node hold, one of
// another wait, and the first commit. It returns how long the second waited after
// that.
func nodePasser(ctx context.Context, from, to *session.Manager) func() (time.Duration, error) {
	request := session.HoldRequest{ID: sessionID(0), Client: clientName}
	change := heldCycle(ctx, from, func() string { return request.ID })
	return func() (time.Duration, error) {
		if err := change(); err != nil {
			return 0, err
		}
		first, err := from.Hold(ctx, request)
		if err != nil {
			return 0, err
		}
		var passed time.Time
		done := make(chan error, 1)
		go func() {
			second, err := to.Hold(ctx, request)
			passed = time.Now()
			if err == nil {
				err = second.Release(ctx)
			}
			done <- err
		}()
		for to.Stats().Waiters == 0 {
			time.Sleep(50 * time.Microsecond)
		}
		time.Sleep(2 * time.Millisecond) // it has found the session held, and is about to sleep
		began := time.Now()
		err = first.Commit(ctx, update(items(sampleKeys, 'd')))
		err = errors.Join(err, <-done)
		return passed.Sub(began), err
	}
}
