// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/internal/memhttp"
	"github.com/sessionbridge/session/remoteapp"
)

func TestRobbedPostCommitsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.H2C)
		s.post(call{id: testID, client: client}).commit(update(testID, "n", "1", "m", "1"))
		slow := s.post(call{id: testID, client: client})
		start := time.Now()
		quick := s.post(call{id: testID, client: client})
		since(t, start, 10*time.Second)
		if got := quick.commit(update(testID, "n", "1", "m", "2")); !got.Success {
			t.Errorf("answer %+v", got)
		}
		time.Sleep(time.Minute)
		if got := slow.commit(update(testID, "n", "7", "m", "1")); !got.Success {
			t.Errorf("the late answer %+v", got)
		}
		if got := text(s.read(client, "")); got != "n=7 m=2" {
			t.Errorf("stored %q, want n=7 m=2", got)
		}
		synctest.Wait()
		s.nothingHeld()
		if got := s.outcomes(); strings.Contains(got, "lost") {
			t.Errorf("outcomes %q", got)
		}
	})
}

func TestRobbedPostIsToldWhatConflicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.H2C)
		s.post(call{id: testID, client: client}).commit(update(testID, "n", "1"))
		slow := s.post(call{id: testID, client: client})
		quick := s.post(call{id: testID, client: client})
		quick.commit(update(testID, "n", "2"))
		if got := slow.commit(update(testID, "n", "3")); got.Success || !strings.Contains(got.Message, `both changed ["n"]`) {
			t.Errorf("answer %+v", got)
		}
		if got := text(s.read(client, "")); got != "n=2" {
			t.Errorf("stored %q, want n=2", got)
		}
		synctest.Wait()
		s.nothingHeld()
		if got := s.outcomes(); !strings.Contains(got, "post lost") {
			t.Errorf("outcomes %q", got)
		}
		if log := s.log.String(); !strings.Contains(log, `\"n\"`) {
			t.Errorf("the log does not name the key: %s", log)
		}
	})
}

// A PUT that comes late waits for the writer that has the session now.
func TestRobbedGetCommitsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.HTTP1)
		first := s.hold(call{id: testID, client: client, trace: "0"})
		first.put(update(testID, "n", "1", "m", "1"))
		first.end()
		slow := s.hold(call{id: testID, client: client, trace: "1"})
		quick := s.hold(call{id: testID, client: client, trace: "2"})
		start := time.Now()
		go func() {
			time.Sleep(3 * time.Second)
			if res, body := quick.put(update(testID, "n", "1", "m", "2")); res.StatusCode != http.StatusOK {
				t.Errorf("the robber's PUT: %s: %s", res.Status, body)
			}
		}()
		if res, body := slow.put(update(testID, "n", "7", "m", "1")); res.StatusCode != http.StatusOK {
			t.Errorf("the robbed PUT: %s: %s", res.Status, body)
		}
		since(t, start, 3*time.Second)
		quick.end()
		slow.end()
		if got := text(s.read(client, "")); got != "n=7 m=2" {
			t.Errorf("stored %q, want n=7 m=2", got)
		}
		if res, body := slow.put(update(testID, "n", "8")); res.Status != "400 Session has already been updated" {
			t.Errorf("a second PUT: %s: %s", res.Status, body)
		}
		synctest.Wait()
		s.nothingHeld()
		if got := s.outcomes(); strings.Contains(got, "get lost") {
			t.Errorf("outcomes %q", got)
		}
	})
}

func TestRobbedGetIsToldWhatConflicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.HTTP1)
		slow := s.hold(call{id: testID, client: client, trace: "1"})
		quick := s.hold(call{id: testID, client: client, trace: "2"})
		quick.put(update(testID, "n", "2"))
		quick.end()
		res, body := slow.put(update(testID, "n", "2"))
		wantProblem(t, res, body, http.StatusBadRequest, "conflict", "Session has already been updated")
		if !strings.Contains(string(body), `\"n\"`) {
			t.Errorf("the key is not named: %s", body)
		}
		slow.end()
		synctest.Wait()
		s.nothingHeld()
		if got := text(s.read(client, "")); got != "n=2" {
			t.Errorf("stored %q, want n=2", got)
		}
	})
}

func TestLateCommitsAreRefusedIfToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{manager: session.ManagerOptions{RefuseLate: true}})
		client := s.Client(memhttp.HTTP1)
		slow := s.hold(call{id: testID, client: client, trace: "1"})
		quick := s.hold(call{id: testID, client: client, trace: "2"})
		if res, body := slow.put(update(testID, "m", "7")); res.Status != "400 Session has already been updated" {
			t.Errorf("the robbed PUT: %s: %s", res.Status, body)
		}
		if res, body := quick.put(update(testID, "n", "2")); res.StatusCode != http.StatusOK {
			t.Errorf("the robber's PUT: %s: %s", res.Status, body)
		}
		quick.end()
		slow.cancel()
		synctest.Wait()
		s.nothingHeld()
		if got := text(s.read(client, "")); got != "n=2" {
			t.Errorf("stored %q, want n=2", got)
		}
	})
}

func TestShutdownBreaksOffALateCommitThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{handler: remoteapp.HandlerOptions{GetHoldLimit: time.Second}})
		client := s.Client(memhttp.HTTP1)
		slow := s.hold(call{id: testID, client: client, trace: "1"})
		long := s.hold(call{id: testID, client: client, trace: "2"})
		long.cancel()
		synctest.Wait()
		holder, err := s.manager.Hold(t.Context(), session.HoldRequest{ID: testID, Client: "page"})
		must(t, err)
		go func() {
			time.Sleep(time.Second)
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			s.handler.Shutdown(ctx)
		}()
		start := time.Now()
		res, body := slow.put(update(testID, "m", "7"))
		wantProblem(t, res, body, http.StatusServiceUnavailable, "shutting-down", "Service Unavailable")
		since(t, start, 6*time.Second)
		must(t, holder.Release(t.Context()))
	})
}

// A GET that is open has a page, even if it lost its hold: its PUT may still
// come while others finish too.
func TestShutdownWaitsForARobbedGet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.HTTP1)
		slow := s.hold(call{id: testID, client: client, trace: "1"})
		quick := s.hold(call{id: testID, client: client, trace: "2"})
		quick.put(update(testID, "n", "2"))
		quick.end()
		done := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			done <- s.handler.Shutdown(ctx)
		}()
		time.Sleep(10 * time.Second)
		if res, body := slow.put(update(testID, "m", "7")); res.StatusCode != http.StatusOK {
			t.Errorf("the late PUT: %s: %s", res.Status, body)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestLatePutIsStoredThoughItsGetBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.HTTP1)
		slow := s.hold(call{id: testID, client: client, trace: "1"})
		quick := s.hold(call{id: testID, client: client, trace: "2"})
		over := make(chan struct{})
		go func() {
			defer close(over)
			time.Sleep(time.Second)
			slow.cancel() // the client goes away; its whole PUT is here
			time.Sleep(time.Second)
			quick.put(update(testID, "n", "2"))
		}()
		res, body := slow.put(update(testID, "m", "7"))
		<-over
		if res.StatusCode != http.StatusOK {
			t.Errorf("refused: %s %s", res.Status, body)
		}
		if got := text(s.read(client, "")); got != "n=2 m=7" {
			t.Errorf("stored %q, want n=2 m=7", got)
		}
	})
}

func TestRefusedLatePutEndsItsGet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{manager: session.ManagerOptions{RefuseLate: true}})
		client := s.Client(memhttp.HTTP1)
		slow := s.hold(call{id: testID, client: client, trace: "1"})
		quick := s.hold(call{id: testID, client: client, trace: "2"})
		slow.put(update(testID, "m", "7"))
		quick.put(update(testID, "n", "2"))
		quick.end()
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := s.handler.Shutdown(ctx); err != nil {
			t.Errorf("shutdown took %v: %v", time.Since(start), err)
		}
	})
}

func TestRobbedPostMayCommitDuringShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.H2C)
		slow := s.post(call{id: testID, client: client})
		quick := s.post(call{id: testID, client: client})
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			s.handler.Shutdown(ctx)
		}()
		time.Sleep(time.Second)
		if got := slow.commit(update(testID, "m", "7")); !got.Success {
			t.Errorf("the late answer %+v", got)
		}
		quick.commit(update(testID, "n", "2"))
	})
}

func TestLostHoldThatIsForgottenIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, setup{})
		client := s.Client(memhttp.H2C)
		slow := s.post(call{id: testID, client: client})
		for range 17 { // pages that throw
			s.post(call{id: testID, client: client})
		}
		got := slow.commit(update(testID, "m", "7"))
		if got.Success || !strings.Contains(got.Message, "too many others") {
			t.Errorf("the slow page: %+v", got)
		}
		if !strings.Contains(s.log.String(), "can't be committed any more") {
			t.Errorf("nothing logged of it: %s", s.log.String())
		}
		client.CloseIdleConnections()
	})
}
