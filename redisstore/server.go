// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/sessionbridge/session"
)

// A server is what one says of itself.
type server struct {
	addr string
	info map[string]string
}

// inspect asks every server whether it can be relied on.
func (s *Store) inspect(ctx context.Context, allowEviction bool) error {
	var wrong []error
	for addr, node := range s.client.Nodes() {
		text, err := node.Do(ctx, node.B().Info().Build()).ToString()
		if _, refused := rueidis.IsRedisErr(err); refused {
			s.log.Warn("Redis does not let its settings be checked; see that maxmemory-policy is noeviction and appendonly is yes", "addr", addr, "err", err)
			continue
		}
		if err != nil {
			if s.cluster { // a replica that is down is no reason to stay down too
				s.log.Warn("a server of the Redis cluster does not answer", "addr", addr, "err", withoutArguments(err.Error()))
				continue
			}
			return explain(ctx, &script{name: "connect", again: true}, err).error
		}
		sv := server{addr: addr, info: parseInfo(text)}
		wrong = append(wrong, sv.tooOld(), s.evicts(sv, allowEviction))
		if sv.info["aof_enabled"] == "0" {
			s.log.Warn("Redis does not keep an append-only file: a restart loses what was stored since its last snapshot; set appendonly yes", "addr", addr)
		}
	}
	return errors.Join(wrong...)
}

// parseInfo reads the answer to INFO.
func parseInfo(text string) map[string]string {
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), ":"); found {
			info[name] = value
		}
	}
	return info
}

// tooOld is the error if the server can't run our scripts.
func (sv server) tooOld() error {
	version := sv.info["redis_version"] // Valkey tells the version of Redis that it is compatible with
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err == nil && n < 7 {
		return fmt.Errorf("redisstore: %s is Redis %s; it must be 7.0 or later, or Valkey", sv.addr, version)
	}
	return nil
}

// evicts is the error if the server may remove sessions to make room.
func (s *Store) evicts(sv server, allowed bool) error {
	policy := sv.info["maxmemory_policy"]
	if policy == "" || policy == "noeviction" {
		return nil
	}
	if allowed || sv.info["maxmemory"] == "0" {
		s.log.Warn("Redis evicts sessions when it reaches its maxmemory; set maxmemory-policy noeviction", "addr", sv.addr, "policy", policy)
		return nil
	}
	return fmt.Errorf("redisstore: %s removes sessions to make room (maxmemory-policy %s); set maxmemory-policy noeviction, or allow it (AllowEviction)", sv.addr, policy)
}

// rehearse lets a session come and go, so that a permission that lacks is found
// now. It is no error if Redis is full: that passes.
func (s *Store) rehearse(ctx context.Context) error {
	id := "rehearsal-" + session.NewID()
	lock := session.LockOptions{Timeout: time.Minute}
	it, err := s.Lock(ctx, id, lock)
	if err == nil {
		err = s.Put(ctx, id, it.Hold.Token, nil, session.PutOptions{Timeout: time.Minute})
	}
	if err == nil {
		it, err = s.Lock(ctx, id, lock)
	}
	if err == nil {
		err = s.Unlock(ctx, id, it.Hold.Token, session.UnlockOptions{})
	}
	if err == nil {
		err = s.Delete(ctx, id, 0)
	}
	if errors.Is(err, session.ErrFull) {
		s.log.Warn("no session can be stored now", "err", err)
		return nil
	}
	return err
}
