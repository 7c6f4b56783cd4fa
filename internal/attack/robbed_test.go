// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/sessionbridge/session/internal/attack"
)

// putRobbed commits two sessions that another writer holds by then. What the two
// changed is kept where they changed different keys; where it is the same key, the
// second one is refused.
func putRobbed(ctx context.Context, a *arena) (string, error) {
	if status, err := a.rob(ctx, robbedID, "late", "present"); err != nil || status != "200 OK" {
		return "", fmt.Errorf("%w: the second of two that changed different keys: %q, %v", errWrong, status, err)
	}
	if err := a.hasKeys(ctx, robbedID, "late", "present"); err != nil {
		return "", err
	}
	if status, err := a.rob(ctx, conflictID, "both", "both"); err != nil || status != updated {
		return "", fmt.Errorf("%w: the second of two that changed one key: %q, %v", errWrong, status, err)
	}
	if err := a.hasKeys(ctx, conflictID, "both", `"robbed"`); err != nil {
		return "", err
	}
	return "merged, or " + updated, nil
}

// hasKeys checks that the bytes of a session have some texts in them.
func (a *arena) hasKeys(ctx context.Context, id string, texts ...string) error {
	p, err := a.send(ctx, attack.Request{Method: "GET", Key: attackerKey, ID: id, ReadOnly: true}.HTTP1())
	if err != nil {
		return err
	}
	defer p.Close()
	got, _, err := p.answer("GET")
	for _, text := range texts {
		if err != nil || !strings.Contains(string(got.Body), text) {
			return fmt.Errorf("%w: a commit is lost: %q, %v", errWrong, got.Body, err)
		}
	}
	return nil
}

// rob lets two writers hold one session, one after the other, and commit in that
// order. It returns what the second one is told; the first must succeed.
func (a *arena) rob(ctx context.Context, id, robbedKey, presentKey string) (string, error) {
	get := attack.Request{Method: "GET", Key: attackerKey, ID: id, Trace: "a"}
	robbed, err := a.hold(ctx, get)
	if err != nil {
		return "", err
	}
	defer robbed.Close()
	get.Trace = "b"
	present, err := a.hold(ctx, get)
	if err != nil {
		return "", err
	}
	defer present.Close()
	put := attack.Request{Method: "PUT", Key: attackerKey, ID: id, Trace: "a"}
	if err := a.mustPut(ctx, put, attack.Update(id, 20, robbedKey, `"robbed"`)); err != nil {
		return "", fmt.Errorf("the robbed holder: %w", err)
	}
	put.Trace = "b"
	return a.onceWith(ctx, put, attack.Update(id, 20, presentKey, `"present"`))
}
