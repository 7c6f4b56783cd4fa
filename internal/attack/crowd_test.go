// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack_test

import (
	"context"
	"fmt"
	"slices"
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
	told, cancel := context.WithTimeout(ctx, getLimit/3) // long before the first in the queue may have it
	defer cancel()
	refused := 0
	for _, s := range slices.Backward(streams) { // most of those who wait came first
		if refused == writers-places {
			break
		}
		if status, _ := s.Headed(told); status == 0 {
			continue
		}
		got := s.Wait(ctx)
		if got.Status != 503 || got.Header["retry-after"] == "" {
			return "", fmt.Errorf("%w: %d %q, want 503 with Retry-After", errWrong, got.Status, got.Header)
		}
		refused++
	}
	now, err := attack.Take(ctx, a.Admin)
	if err != nil || refused != writers-places || now.Waiters != places {
		return "", fmt.Errorf("%w: of %d writers %d are refused and %d wait, %v, want %d to wait", errWrong, writers, refused, now.Waiters, err, places)
	}
	return fmt.Sprintf("%d wait, %d × 503 with Retry-After", places, refused), nil
}
