// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/rueidis"

	"github.com/sessionbridge/session"
)

// ErrUnknown says that the answer of Redis to a change was lost. What it was asked to do
// may have been done, or may be done yet; [Store.Get] tells. Any other error says
// that nothing was done, or nothing but what may be done twice.
var ErrUnknown = errors.New("no answer of Redis: the change may have been made or not")

const noPermission = "the Redis user lacks a permission; the README of package redisstore lists what is needed"

// A fault is why a call has failed.
type fault struct {
	error
	undone  bool // for certain, or it makes no difference
	passes  bool // by itself, soon: it is worth trying again. Implies undone
	deposed bool // the server is not the primary, or not that of its replicas: the address may lead to another one by now
}

// A refusal is what Redis says when it does not do what it was asked to, by the
// words that its answer begins with, without ERR.
type refusal struct {
	words, cause string
	passes       bool
	deposed      bool
	is           error
}

// refusals are all that there is a remedy for. None of them is a matter of what
// was asked, so nothing was done: scripts are refused before they begin.
func refusals() []refusal {
	return []refusal{
		{words: "OOM", is: session.ErrFull, cause: "Redis has reached its maxmemory; raise it, or let sessions expire sooner"},
		{words: "READONLY", passes: true, deposed: true, cause: "the server is a replica: a failover is under way, or the URL names a replica instead of the primary"},
		{words: "LOADING", passes: true, cause: "Redis is reading its data, as it does after a start"},
		{words: "MASTERDOWN", passes: true, deposed: true, cause: "the server is a replica that has lost its primary; check the primary"},
		{words: "CLUSTERDOWN", passes: true, cause: "a part of the cluster has no primary; check CLUSTER INFO"},
		{words: "TRYAGAIN", passes: true, cause: "the cluster is moving these keys to another primary"},
		{words: "MOVED", passes: true, cause: "the cluster has moved these keys to another primary; if that lasts, its primaries disagree on who has them: see CLUSTER NODES of each"},
		{words: "ASK", passes: true, cause: "the cluster is moving these keys to another primary"},
		{words: "BUSY", passes: true, cause: "a script of some program blocks Redis; SCRIPT KILL ends it"},
		{words: "max number of clients", passes: true, cause: "Redis has no room for one more connection; raise its maxclients, or see who has them"},
		{words: "NOREPLICAS", passes: true, deposed: true, cause: "fewer replicas are in touch than min-replicas-to-write demands"},
		{words: "MISCONF", cause: "Redis can't write its snapshot to disk and refuses changes; see its log"},
		{words: "NOAUTH", cause: "Redis wants a password; put user and password into the URL"},
		{words: "WRONGPASS", cause: "Redis refuses user or password of the URL"},
		{words: "NOPERM", cause: noPermission},
		{words: "WRONGTYPE", is: session.ErrDamaged, cause: "a key under the prefix belongs to another program; use another prefix"},
		{words: "CORRUPT", is: session.ErrDamaged, cause: "a record under the prefix is not in our form: another program, or another version of this one, writes there; use another prefix, or DEL that key"},
		{words: "unknown command", cause: "the server does not know a command that is needed: it is a proxy, no sentinel, or the command was renamed"},
		{words: "NOSCRIPT", cause: "Redis forgot a script as soon as it was sent"},
	}
}

// explain tells why a call of a script has failed.
func explain(ctx context.Context, sc *script, err error) fault {
	if refused, is := rueidis.IsRedisErr(err); is {
		return explainRefusal(sc, refused.Error())
	}
	f := fault{undone: sc.again}
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &cert):
		f.undone = true
		err = fmt.Errorf("the server's certificate is not accepted: %w", err)
	case isDial(err):
		f.undone, f.passes = true, true
		err = fmt.Errorf("the server can't be reached: %w", err)
	case errors.Is(err, rueidis.ErrNoSlot):
		f.undone, f.passes = true, true
		err = errors.New("the cluster has no primary for these keys; check CLUSTER INFO")
	case ctx.Err() != nil:
		err = fmt.Errorf("no answer in time: %w", ctx.Err())
	case errors.Is(err, context.DeadlineExceeded): // the client has patience of its own when it connects
		f.passes = sc.again
		err = fmt.Errorf("no answer in time: %w", err)
	default:
		f.passes = sc.again
		err = fmt.Errorf("the connection to Redis broke: %w", err)
	}
	if !f.undone {
		err = fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	f.error = fmt.Errorf("redisstore: %s: %w", sc.name, err)
	return f
}

// withoutArguments is what Redis said, but for the arguments of a command that it
// does not know, as AUTH where that has been renamed: they may be a password, or
// the id of a session.
func withoutArguments(said string) string {
	said, _, _ = strings.Cut(said, ", with args beginning with")
	return said
}

// explainRefusal tells what an error of Redis means. Its own text is told too:
// then it names no key.
func explainRefusal(sc *script, said string) fault {
	said = withoutArguments(said)
	for _, r := range refusals() {
		if !strings.HasPrefix(said+" ", r.words+" ") {
			continue
		}
		err := fmt.Errorf("redisstore: %s: %s (Redis: %s)", sc.name, r.cause, said)
		if r.is != nil {
			err = fmt.Errorf("redisstore: %s: %w: %s (Redis: %s)", sc.name, r.is, r.cause, said)
		}
		return fault{error: err, undone: true, passes: r.passes, deposed: r.deposed}
	}
	// An error that a script met half-way: what it did before stays done.
	if strings.Contains(said, "user executing the script") || strings.Contains(said, "ACL failure in script") {
		said = fmt.Sprintf("%s (Redis: %s)", noPermission, said)
	}
	err := fmt.Errorf("redisstore: %s: Redis: %s", sc.name, said)
	if !sc.again {
		err = fmt.Errorf("redisstore: %s: %w: Redis: %s", sc.name, ErrUnknown, said)
	}
	return fault{error: err, undone: sc.again}
}

func (f fault) Unwrap() error { return f.error }
