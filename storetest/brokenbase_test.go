// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"sync"

	"github.com/sessionbridge/session"
)

func brokenBases() []brokenStore {
	return []brokenStore{
		{name: "takes the item for the base", check: "Base answers the item as it was when the hold was stolen", wrap: twist(presentBase)},
		{name: "takes the present item for the base of a new one", check: "the base of a hold of a new item is new", wrap: twist(presentBase)},
		{name: "answers the present timeout as that of a base", check: "Base answers the item as it was when the hold was stolen", wrap: twist(func(s session.Store, tw *twisted) {
			tw.base = func(ctx context.Context, id string, token uint64) (session.Item, error) {
				it, _ := s.Get(ctx, id, session.GetOptions{})
				base, err := s.Base(ctx, id, token)
				base.Timeout = it.Timeout
				return base, err
			}
		})},
		{name: "has one base for all", check: "lost holds have bases of their own", wrap: oneBase},
		{name: "takes the base of a new item for an empty one", check: "the base of a hold of a new item is new", wrap: bases(func(it *session.Item) { it.New = false })},
		{name: "answers a base without its hold", check: "Base answers the item as it was when the hold was stolen", wrap: bases(func(it *session.Item) { it.Hold = session.Hold{} })},
		{name: "answers a base without losses", check: "Base tells losses and age of its hold", wrap: bases(func(it *session.Item) { it.Hold.Losses = 0 })},
		{name: "answers a base with the age at the theft", check: "Base tells losses and age of its hold", wrap: bases(func(it *session.Item) { it.Hold.Age = 0 })},
		{name: "slides at Base", check: "Base does not slide the expiry", wrap: twist(func(s session.Store, tw *twisted) {
			tw.base = func(ctx context.Context, id string, token uint64) (session.Item, error) {
				s.Get(ctx, id, session.GetOptions{Touch: true})
				return s.Base(ctx, id, token)
			}
		})},
		{name: "has a base of the present hold", check: "Base finds lost holds only", wrap: twist(func(s session.Store, tw *twisted) {
			tw.base = func(ctx context.Context, id string, token uint64) (session.Item, error) {
				if it, err := s.Get(ctx, id, session.GetOptions{}); err == nil && it.Hold.Token == token {
					return it, nil
				}
				return s.Base(ctx, id, token)
			}
		})},
		{name: "finds no item where no hold is lost", check: "Base finds lost holds only", wrap: twist(func(s session.Store, tw *twisted) {
			tw.base = func(ctx context.Context, id string, token uint64) (session.Item, error) {
				if it, err := s.Get(ctx, id, session.GetOptions{}); err != nil {
					return it, err
				}
				return s.Base(ctx, id, token)
			}
		})},
		{name: "knows bases for ever", check: "Base finds lost holds only", wrap: remembersBases},
		{name: "knows the bases of old holds for ever", check: "a hold forgets lost ones that are older than the timeout", wrap: remembersBases},
		{name: "answers bases that it writes to", check: "bytes that Base returns stay as they are", wrap: writesBases()},
		{name: "answers bases with spare room", check: "bytes that Base returns stay as they are", wrap: sparesRoomOfBases},
	}
}

// bases changes the bases that a store answers.
func bases(change func(*session.Item)) func(session.Store) session.Store {
	return twist(func(s session.Store, tw *twisted) {
		tw.base = func(ctx context.Context, id string, token uint64) (session.Item, error) {
			it, err := s.Base(ctx, id, token)
			if err == nil {
				change(&it)
			}
			return it, err
		}
	})
}

func presentBase(s session.Store, tw *twisted) {
	tw.base = func(ctx context.Context, id string, token uint64) (session.Item, error) {
		base, err := s.Base(ctx, id, token)
		if err != nil {
			return base, err
		}
		it, err := s.Get(ctx, id, session.GetOptions{})
		it.Hold, it.Lost, it.Committed = base.Hold, nil, session.Hold{}
		return it, err
	}
}

// oneBase answers the data that any hold has lost last.
func oneBase(s session.Store) session.Store {
	return twist(func(s session.Store, tw *twisted) {
		tw.base = func(ctx context.Context, id string, token uint64) (session.Item, error) {
			base, err := s.Base(ctx, id, token)
			if err != nil {
				return base, err
			}
			it, err := s.Get(ctx, id, session.GetOptions{})
			if err != nil {
				return it, err
			}
			last, err := s.Base(ctx, id, it.Lost[len(it.Lost)-1].Token)
			last.Hold = base.Hold
			return last, err
		}
	})(s)
}

// remembersBases answers each base that it has answered before.
func remembersBases(s session.Store) session.Store {
	var mu sync.Mutex
	ever := map[uint64]session.Item{}
	return twist(func(s session.Store, tw *twisted) {
		tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
			it, err := s.Lock(ctx, id, o)
			mu.Lock()
			defer mu.Unlock()
			for _, h := range it.Lost {
				ever[h.Token], _ = s.Base(ctx, id, h.Token)
			}
			return it, err
		}
		tw.base = func(ctx context.Context, id string, token uint64) (session.Item, error) {
			mu.Lock()
			defer mu.Unlock()
			if it, ok := ever[token]; ok {
				return it, nil
			}
			return s.Base(ctx, id, token)
		}
	})(s)
}

// writesBases answers all bases with one buffer.
func writesBases() func(session.Store) session.Store {
	var mu sync.Mutex
	var buffer [1 << 20]byte
	return bases(func(it *session.Item) {
		mu.Lock()
		defer mu.Unlock()
		n := copy(buffer[:], it.Data)
		it.Data = buffer[:n:n]
	})
}

func sparesRoomOfBases(s session.Store) session.Store {
	var roomy sync.Map
	return bases(func(it *session.Item) {
		data, _ := roomy.LoadOrStore(it.ID+string(it.Data), append(make([]byte, 0, len(it.Data)+100), it.Data...))
		it.Data = data.([]byte)
	})(s)
}
