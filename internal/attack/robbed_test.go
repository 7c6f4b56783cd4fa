// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/sessionbridge/session/internal/attack"
)

// putRobbed commits a session that another writer holds now. Whatever it is told,
// the present holder loses nothing.
func putRobbed(ctx context.Context, a *arena) (string, error) {
	get := attack.Request{Method: "GET", Key: attackerKey, ID: robbedID, Trace: "a"}
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
	status, err := a.onceWith(ctx, attack.Request{Method: "PUT", Key: attackerKey, ID: robbedID, Trace: "a"}, attack.Update(robbedID, 20, "late", "1"))
	if err != nil || status != updated && status != "200 OK" {
		return "", fmt.Errorf("%w: the robbed holder's PUT: %q, %v", errWrong, status, err)
	}
	if err := a.mustPut(ctx, attack.Request{Method: "PUT", Key: attackerKey, ID: robbedID, Trace: "b"}, attack.Update(robbedID, 20, "present", `"kept"`)); err != nil {
		return "", fmt.Errorf("the present holder: %w", err)
	}
	p, err := a.send(ctx, attack.Request{Method: "GET", Key: attackerKey, ID: robbedID, ReadOnly: true}.HTTP1())
	if err != nil {
		return "", err
	}
	defer p.Close()
	got, _, err := p.answer("GET")
	if err != nil || !strings.Contains(string(got.Body), `"kept"`) {
		return "", fmt.Errorf("%w: the present holder's commit is lost: %q, %v", errWrong, got.Body, err)
	}
	return status + "; the holder's " + "200 OK", nil
}
