// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack_test

import (
	"context"
	"fmt"
	"time"

	"github.com/sessionbridge/session/internal/attack"
)

// crowd lets 2,000 writers want one held session: as many wait as may, the others
// are told at once.
func crowd(ctx context.Context, a *arena) (string, error) {
	const writers = 2000
	h, err := a.hold(ctx, attack.Request{Method: "GET", Key: attackerKey, ID: victimID})
	if err != nil {
		return "", err
	}
	defer h.Close()
	c, err := a.http2(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	streams := make([]*attack.Stream, writers)
	for i := range streams {
		if streams[i], err = c.Open(post(victimID), false); err != nil {
			return "", err
		}
		if i%20 == 19 {
			time.Sleep(10 * time.Millisecond)
		}
	}
	refused, err := countRefused(ctx, streams, writers-places)
	if err != nil {
		return "", err
	}
	now, err := attack.Take(ctx, a.Admin)
	if err != nil || refused != writers-places || now.Waiters != places {
		return "", fmt.Errorf("%w: of %d writers %d are refused and %d wait, %v, want %d to wait", errWrong, writers, refused, now.Waiters, err, places)
	}
	return fmt.Sprintf("%d wait, %d × 503 with Retry-After", places, refused), nil
}

// countRefused waits until so many writers are refused, but not until the first of
// those who wait may have the session, and returns how many are.
func countRefused(ctx context.Context, streams []*attack.Stream, want int) (refused int, err error) {
	now, cancel := context.WithCancel(ctx)
	cancel() // look, and don't wait
	for deadline := time.Now().Add(getLimit / 3); refused < want && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		waiting := streams[:0]
		for _, s := range streams {
			if status, _ := s.Headed(now); status == 0 {
				waiting = append(waiting, s)
				continue
			}
			if got := s.Wait(ctx); got.Status != 503 || got.Header["retry-after"] == "" {
				return refused, fmt.Errorf("%w: %d %q, want 503 with Retry-After", errWrong, got.Status, got.Header)
			}
			refused++
		}
		streams = waiting
	}
	return refused, nil
}
