// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"crypto/sha1"
	"embed"
	"encoding/hex"

	"github.com/redis/rueidis"
)

//go:embed lua/*.lua
var sources embed.FS

// scripts are those of all verbs.
type scripts struct {
	get, lock, base, put, remove, unlock, expire *script
	beat, nodes, learn                           *script
}

// What a script may do where others may not, as its first line says it. A full
// server must still let go of what it has, and nodes must stay alive.
const (
	anyMemory = "#!lua flags=allow-oom\n"
	lessOnly  = "#!lua\n"
	readsOnly = "#!lua flags=no-writes\n"
)

func newScripts() (scripts, error) {
	var l loader
	return scripts{
		get:    l.item(anyMemory, "get").repeatable(),
		lock:   l.item(lessOnly, "lock"),
		base:   l.item(readsOnly, "base").repeatable(),
		put:    l.item(lessOnly, "put"),
		remove: l.item(anyMemory, "delete"),
		unlock: l.item(anyMemory, "unlock"),
		expire: l.item(anyMemory, "expire"),
		beat:   l.script(anyMemory, "beat").repeatable(),
		nodes:  l.script(readsOnly, "nodes").repeatable(),
		learn:  l.script(lessOnly, "learn").repeatable(),
	}, l.err
}

// A loader reads scripts and remembers the first error.
type loader struct{ err error }

func (l *loader) read(name string) string {
	text, err := sources.ReadFile("lua/" + name + ".lua")
	if err != nil && l.err == nil {
		l.err = err
	}
	return string(text)
}

// item is a script that deals with one session.
func (l *loader) item(flags, name string) *script {
	return newScript(name, flags+l.read("item")+l.read(name))
}

func (l *loader) script(flags, name string) *script {
	return newScript(name, flags+l.read(name))
}

// A script runs on the server, all or nothing.
type script struct {
	name, source, sha string
	again             bool // to run it twice does what to run it once does
}

func newScript(name, source string) *script {
	sum := sha1.Sum([]byte(source)) // the name that Redis gives it; no secret hangs on it
	return &script{name: name, source: source, sha: hex.EncodeToString(sum[:])}
}

// repeatable says that the script may run again when its answer was lost.
func (sc *script) repeatable() *script {
	sc.again = true
	return sc
}

// run asks the server to run a script that it knows by now, or else sends it.
// The keys are in one slot.
func (sc *script) run(ctx context.Context, client rueidis.Client, keys, args []string) rueidis.RedisResult {
	resp := client.Do(ctx, sc.known(client, keys, args))
	if refusal, is := rueidis.IsRedisErr(resp.Error()); is && refusal.IsNoScript() {
		return client.Do(ctx, sc.whole(client, keys, args))
	}
	return resp
}

func (sc *script) known(client rueidis.Client, keys, args []string) rueidis.Completed {
	return client.B().Evalsha().Sha1(sc.sha).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build()
}

func (sc *script) whole(client rueidis.Client, keys, args []string) rueidis.Completed {
	return client.B().Eval().Script(sc.source).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build()
}
