// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"time"

	"github.com/sessionbridge/session"
)

type nothing struct{}

// told makes a call that answers nothing but an error.
func told(ctx context.Context, f *Faulty, do func(context.Context) error) error {
	_, err := ask(ctx, f, func(ctx context.Context) (nothing, error) { return nothing{}, do(ctx) })
	return err
}

// Get implements [session.Store].
func (f *Faulty) Get(ctx context.Context, id string, o session.GetOptions) (session.Item, error) {
	return ask(ctx, f, func(ctx context.Context) (session.Item, error) { return f.store.Get(ctx, id, o) })
}

// Lock implements [session.Store].
func (f *Faulty) Lock(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
	return ask(ctx, f, func(ctx context.Context) (session.Item, error) { return f.store.Lock(ctx, id, o) })
}

// Base implements [session.Store].
func (f *Faulty) Base(ctx context.Context, id string, token uint64) (session.Item, error) {
	return ask(ctx, f, func(ctx context.Context) (session.Item, error) { return f.store.Base(ctx, id, token) })
}

// Put implements [session.Store].
func (f *Faulty) Put(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
	return told(ctx, f, func(ctx context.Context) error { return f.store.Put(ctx, id, token, data, o) })
}

// Delete implements [session.Store].
func (f *Faulty) Delete(ctx context.Context, id string, token uint64) error {
	return told(ctx, f, func(ctx context.Context) error { return f.store.Delete(ctx, id, token) })
}

// Unlock implements [session.Store].
func (f *Faulty) Unlock(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
	return told(ctx, f, func(ctx context.Context) error { return f.store.Unlock(ctx, id, token, o) })
}

// Touch implements [session.Store].

// Watch implements [session.Store]. Signals are not lost.
func (f *Faulty) Watch(ctx context.Context, id string) (changed <-chan struct{}, stop func(), err error) {
	type watch struct {
		changed <-chan struct{}
		stop    func()
	}
	w, err := ask(ctx, f, func(ctx context.Context) (watch, error) {
		changed, stop, err := f.store.Watch(ctx, id)
		return watch{changed, stop}, err
	})
	return w.changed, w.stop, err
}

// Beat implements [session.Store].
func (f *Faulty) Beat(ctx context.Context, node string, ttl time.Duration) (live []string, err error) {
	return ask(ctx, f, func(ctx context.Context) ([]string, error) { return f.store.Beat(ctx, node, ttl) })
}

// Expire implements [session.Store].
func (f *Faulty) Expire(ctx context.Context, limit int) (ids []string, next time.Duration, err error) {
	err = told(ctx, f, func(ctx context.Context) (err error) { return nil })
	if err != nil {
		return nil, 0, err
	}
	return f.store.Expire(ctx, limit)
}

// Learn implements [session.Store].
func (f *Faulty) Learn(ctx context.Context, client string, keys []string) (all []string, err error) {
	return ask(ctx, f, func(ctx context.Context) ([]string, error) { return f.store.Learn(ctx, client, keys) })
}
