// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sessionbridge/session"
)

// A brokenStore breaks the contract in one way, which the named check must
// find.
type brokenStore struct {
	name   string
	check  string
	wrap   func(session.Store) session.Store
	reopen func(*testing.T, session.Store) session.Store
}

func brokenStores() []brokenStore {
	return slices.Concat(brokenBytes(), brokenHolds(), brokenLost(), brokenBases(), brokenLosses(), brokenLate(), brokenLateContexts(), brokenReopened(), brokenExpiry(), brokenHeldExpiry(), brokenWatches(), brokenNodes())
}

// A twisted store calls its functions, where it has them, in place of the
// methods of a whole one.
type twisted struct {
	session.Store
	get    func(context.Context, string, session.GetOptions) (session.Item, error)
	lock   func(context.Context, string, session.LockOptions) (session.Item, error)
	put    func(context.Context, string, uint64, []byte, session.PutOptions) error
	remove func(context.Context, string, uint64) error
	unlock func(context.Context, string, uint64, session.UnlockOptions) error
	base   func(context.Context, string, uint64) (session.Item, error)
	watch  func(context.Context, string) (<-chan struct{}, func(), error)
	beat   func(context.Context, string, time.Duration) ([]string, error)
	expire func(context.Context, int) ([]string, time.Duration, error)
	learn  func(context.Context, string, []string) ([]string, error)
}

// twist returns a way to wrap a store that changes some of its methods.
func twist(change func(s session.Store, tw *twisted)) func(session.Store) session.Store {
	return func(s session.Store) session.Store {
		tw := &twisted{
			Store: s, get: s.Get, lock: s.Lock, put: s.Put, remove: s.Delete, unlock: s.Unlock,
			base: s.Base, watch: s.Watch, beat: s.Beat, expire: s.Expire, learn: s.Learn,
		}
		change(s, tw)
		return tw
	}
}

func (tw *twisted) Get(ctx context.Context, id string, o session.GetOptions) (session.Item, error) {
	return tw.get(ctx, id, o)
}

func (tw *twisted) Lock(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
	return tw.lock(ctx, id, o)
}

func (tw *twisted) Put(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
	return tw.put(ctx, id, token, data, o)
}

func (tw *twisted) Delete(ctx context.Context, id string, token uint64) error {
	return tw.remove(ctx, id, token)
}

func (tw *twisted) Unlock(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
	return tw.unlock(ctx, id, token, o)
}

func (tw *twisted) Base(ctx context.Context, id string, token uint64) (session.Item, error) {
	return tw.base(ctx, id, token)
}

func (tw *twisted) Watch(ctx context.Context, id string) (<-chan struct{}, func(), error) {
	return tw.watch(ctx, id)
}

func (tw *twisted) Beat(ctx context.Context, node string, ttl time.Duration) ([]string, error) {
	return tw.beat(ctx, node, ttl)
}

func (tw *twisted) Expire(ctx context.Context, limit int) ([]string, time.Duration, error) {
	return tw.expire(ctx, limit)
}

func (tw *twisted) Learn(ctx context.Context, client string, keys []string) ([]string, error) {
	return tw.learn(ctx, client, keys)
}

// told changes the items that a store answers.
func told(change func(*session.Item)) func(session.Store) session.Store {
	return twist(func(s session.Store, tw *twisted) {
		tw.get = func(ctx context.Context, id string, o session.GetOptions) (session.Item, error) {
			it, err := s.Get(ctx, id, o)
			change(&it)
			return it, err
		}
		tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
			it, err := s.Lock(ctx, id, o)
			change(&it)
			return it, err
		}
	})
}

// present is the token of the hold that an id has.
func present(s session.Store, id string) uint64 {
	it, _ := s.Get(context.Background(), id, session.GetOptions{})
	return it.Hold.Token
}

func brokenBytes() []brokenStore {
	return []brokenStore{
		{name: "keeps the data that it is passed", check: "bytes that are passed are not kept", wrap: keepsPassed},
		{name: "answers data that it writes to", check: "bytes that are returned stay as they are", wrap: writesReturned()},
		{name: "answers data with spare room", check: "two readers may append to what they got", wrap: sparesRoom},
		{name: "cuts data at a NUL", check: "any bytes are stored", wrap: twist(func(s session.Store, tw *twisted) {
			tw.put = func(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
				data, _, _ = bytes.Cut(data, []byte{0})
				return s.Put(ctx, id, token, data, o)
			}
		})},
		{name: "takes empty data for none", check: "empty data are stored", wrap: told(func(it *session.Item) { it.New = len(it.Data) == 0 })},
		{name: "has no regard for contexts", check: "a done context is refused and changes no item", wrap: twist(deafItems)},
		{name: "slides with a done context", check: "a done context slides no expiry", wrap: twist(deafItems)},
		{name: "expires with a done context", check: "a done context removes nothing that has expired", wrap: twist(deafOthers)},
		{name: "beats with a done context", check: "a done context is refused by Watch, Beat and Learn", wrap: twist(deafOthers)},
		{name: "unlocks first and then looks at the context", check: "a done context is refused and changes no item", wrap: twist(func(s session.Store, tw *twisted) {
			tw.unlock = func(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
				return errors.Join(s.Unlock(context.WithoutCancel(ctx), id, token, o), ctx.Err())
			}
		})},
	}
}

func keepsPassed(s session.Store) session.Store {
	var passed sync.Map
	return twist(func(s session.Store, tw *twisted) {
		tw.put = func(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
			passed.Store(id, data)
			return s.Put(ctx, id, token, data, o)
		}
		tw.get = func(ctx context.Context, id string, o session.GetOptions) (session.Item, error) {
			it, err := s.Get(ctx, id, o)
			if data, ok := passed.Load(id); ok && !it.New {
				it.Data = data.([]byte)
			}
			return it, err
		}
	})(s)
}

// writesReturned answers every reader with the same buffer.
func writesReturned() func(session.Store) session.Store {
	var mu sync.Mutex
	var buffer [1 << 20]byte
	return told(func(it *session.Item) {
		mu.Lock()
		defer mu.Unlock()
		if !it.New {
			it.Data = buffer[:copy(buffer[:], it.Data)]
		}
	})
}

func sparesRoom(s session.Store) session.Store {
	var roomy sync.Map
	return told(func(it *session.Item) {
		data, _ := roomy.LoadOrStore(it.ID+string(it.Data), append(make([]byte, 0, len(it.Data)+100), it.Data...))
		it.Data = data.([]byte)
	})(s)
}

func deafItems(s session.Store, tw *twisted) {
	never := context.WithoutCancel
	tw.get = func(ctx context.Context, id string, o session.GetOptions) (session.Item, error) {
		return s.Get(never(ctx), id, o)
	}
	tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
		return s.Lock(never(ctx), id, o)
	}
}

func deafOthers(s session.Store, tw *twisted) {
	never := context.WithoutCancel
	tw.beat = func(ctx context.Context, node string, ttl time.Duration) ([]string, error) {
		return s.Beat(never(ctx), node, ttl)
	}
	tw.expire = func(ctx context.Context, limit int) ([]string, time.Duration, error) {
		return s.Expire(never(ctx), limit)
	}
}

func brokenHolds() []brokenStore {
	return []brokenStore{
		{name: "begins with token 1 again after Delete", check: "tokens rise for ever", wrap: restartsTokens},
		{name: "takes token and age as they are passed", check: "Lock sets token, losses and age itself", wrap: told(func(it *session.Item) { it.Hold.Age += time.Hour })},
		{name: "forgets lost holds", check: "stolen holds are lost, oldest first", wrap: told(func(it *session.Item) { it.Lost = nil })},
		{name: "tells the newest lost hold first", check: "stolen holds are lost, oldest first", wrap: told(func(it *session.Item) { slices.Reverse(it.Lost) })},
		{name: "forgets the committed hold", check: "Put ends the hold and makes it the committed one", wrap: told(func(it *session.Item) { it.Committed = session.Hold{} })},
		{name: "forgets the trace of a hold", check: "Lock grants what was asked for", wrap: told(func(it *session.Item) { it.Hold.Trace = "" })},
		{name: "tells the age at the grant", check: "the age of a hold is that at the answer", wrap: told(func(it *session.Item) { it.Hold.Age = 0 })},
		{name: "steals any hold", check: "Lock takes no other hold", wrap: twist(func(s session.Store, tw *twisted) {
			tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
				if o.Steal != 0 {
					o.Steal = present(s, id)
				}
				return s.Lock(ctx, id, o)
			}
		})},
		{name: "compares before it locks", check: "one of many thieves succeeds", wrap: twist(func(s session.Store, tw *twisted) {
			tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
				if o.Steal == 0 || o.Steal != present(s, id) {
					return s.Lock(ctx, id, o)
				}
				time.Sleep(time.Millisecond)
				o.Steal = present(s, id)
				return s.Lock(ctx, id, o)
			}
		})},
		{name: "unlocks a lost hold without a trace", check: "Unlock forgets a lost hold", wrap: twist(func(s session.Store, tw *twisted) {
			tw.unlock = func(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
				if token != present(s, id) {
					return session.ErrLockLost
				}
				return s.Unlock(ctx, id, token, o)
			}
		})},
		{name: "takes every Unlock for a commit", check: "Unlock ends the hold and leaves the data", wrap: twist(func(s session.Store, tw *twisted) {
			tw.unlock = func(ctx context.Context, id string, token uint64, _ session.UnlockOptions) error {
				return s.Unlock(ctx, id, token, session.UnlockOptions{Committed: true})
			}
		})},
		{name: "keeps a new item at Unlock", check: "Unlock of a new item makes it vanish", wrap: twist(func(s session.Store, tw *twisted) {
			tw.unlock = func(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
				if it, err := s.Get(ctx, id, session.GetOptions{}); err == nil && it.New {
					return s.Put(ctx, id, token, nil, session.PutOptions{Timeout: time.Hour})
				}
				return s.Unlock(ctx, id, token, o)
			}
		})},
		{name: "overwrites with a stale token", check: "Put with a stale token changes nothing", wrap: twist(overwrites)},
		{name: "overwrites what is held", check: "Put with token 0 needs a free session", wrap: twist(overwrites)},
		{name: "drops a stale Put in silence", check: "Put with a stale token changes nothing", wrap: twist(func(s session.Store, tw *twisted) {
			tw.put = func(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
				if err := s.Put(ctx, id, token, data, o); !errors.Is(err, session.ErrLockLost) {
					return err
				}
				return nil
			}
		})},
		{name: "deletes what is held", check: "Delete with token 0 needs a free session", wrap: twist(func(s session.Store, tw *twisted) {
			tw.remove = func(ctx context.Context, id string, _ uint64) error { return s.Delete(ctx, id, present(s, id)) }
		})},
		{name: "misses what it is to delete", check: "Delete of no item is no error", wrap: twist(func(s session.Store, tw *twisted) {
			tw.remove = func(ctx context.Context, id string, token uint64) error {
				if _, err := s.Get(ctx, id, session.GetOptions{}); err != nil {
					return err
				}
				return s.Delete(ctx, id, token)
			}
		})},
		{
			name: "loses everything when it is closed", check: "items and holds outlive the store",
			wrap:   func(s session.Store) session.Store { return s },
			reopen: func(t *testing.T, _ session.Store) session.Store { return newMemstore(t) },
		},
	}
}

func overwrites(s session.Store, tw *twisted) {
	tw.put = func(ctx context.Context, id string, _ uint64, data []byte, o session.PutOptions) error {
		return s.Put(ctx, id, present(s, id), data, o)
	}
}

// restartsTokens tells tokens that begin with 1 at each Delete.
func restartsTokens(s session.Store) session.Store {
	var mu sync.Mutex
	before := map[string]uint64{} // the token that is told as 0
	shift := func(id string) uint64 {
		mu.Lock()
		defer mu.Unlock()
		return before[id]
	}
	tell := told(func(it *session.Item) {
		if it.Hold.Token != 0 {
			it.Hold.Token -= shift(it.ID)
		}
	})(s).(*twisted)
	lock := tell.lock
	tell.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
		if o.Steal != 0 {
			o.Steal += shift(id)
		}
		return lock(ctx, id, o)
	}
	tell.put = func(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
		if token != 0 {
			token += shift(id)
		}
		return s.Put(ctx, id, token, data, o)
	}
	tell.unlock = func(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
		return s.Unlock(ctx, id, token+shift(id), o)
	}
	tell.remove = func(ctx context.Context, id string, token uint64) error {
		if token == 0 {
			return s.Delete(ctx, id, 0)
		}
		token += shift(id)
		err := s.Delete(ctx, id, token)
		mu.Lock()
		defer mu.Unlock()
		before[id] = token
		return err
	}
	return tell
}

func brokenExpiry() []brokenStore {
	return []brokenStore{
		{name: "slides at every Get", check: "Get does not slide the expiry unasked", wrap: twist(func(s session.Store, tw *twisted) {
			tw.get = func(ctx context.Context, id string, _ session.GetOptions) (session.Item, error) {
				return s.Get(ctx, id, session.GetOptions{Touch: true})
			}
		})},
		{name: "slides at no Get", check: "Get slides the expiry if asked to", wrap: twist(func(s session.Store, tw *twisted) {
			tw.get = func(ctx context.Context, id string, _ session.GetOptions) (session.Item, error) {
				return s.Get(ctx, id, session.GetOptions{})
			}
		})},
		{name: "expires late", check: "an item expires when its timeout has passed", wrap: twist(func(s session.Store, tw *twisted) {
			tw.put = func(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
				o.Timeout *= 2
				return s.Put(ctx, id, token, data, o)
			}
		})},
		{name: "keeps the first timeout", check: "Put replaces data and timeout", wrap: twist(func(s session.Store, tw *twisted) {
			tw.put = func(ctx context.Context, id string, token uint64, data []byte, o session.PutOptions) error {
				if it, err := s.Get(ctx, id, session.GetOptions{}); err == nil && !it.New {
					o.Timeout = it.Timeout
				}
				return s.Put(ctx, id, token, data, o)
			}
		})},
		{name: "tells what has expired twice", check: "Expire tells what has expired, once", wrap: tellsTwice},
		{name: "tells two callers the same", check: "Expire tells each id to one caller", wrap: tellsTwice},
		{name: "has no regard for the limit", check: "Expire removes at most limit items", wrap: twist(func(s session.Store, tw *twisted) {
			tw.expire = func(ctx context.Context, _ int) ([]string, time.Duration, error) { return s.Expire(ctx, 1000) }
		})},
		{name: "always has more to expire", check: "Expire tells when to come again", wrap: answersNext(0)},
		{name: "never has more to expire", check: "Expire tells when to come again", wrap: answersNext(session.Never)},
		{name: "comes again every second", check: "Expire tells when to come again", wrap: answersNext(time.Second)},
	}
}

func answersNext(next time.Duration) func(session.Store) session.Store {
	return twist(func(s session.Store, tw *twisted) {
		tw.expire = func(ctx context.Context, limit int) ([]string, time.Duration, error) {
			ids, _, err := s.Expire(ctx, limit)
			return ids, next, err
		}
	})
}

func tellsTwice(s session.Store) session.Store {
	var mu sync.Mutex
	var last []string
	return twist(func(s session.Store, tw *twisted) {
		tw.expire = func(ctx context.Context, limit int) ([]string, time.Duration, error) {
			ids, next, err := s.Expire(ctx, limit)
			mu.Lock()
			defer mu.Unlock()
			ids, last = slices.Concat(last, ids), ids
			return ids, next, err
		}
	})(s)
}

func brokenWatches() []brokenStore {
	return []brokenStore{
		{name: "never signals", check: "Watch signals Put without a hold", wrap: watches(func(<-chan struct{}, func()) (<-chan struct{}, func()) {
			return make(chan struct{}), func() {}
		})},
		{name: "signals only once", check: "a watch is signalled again and again", wrap: watches(signalsOnce)},
		{name: "loses signals that nobody waits for", check: "signals that are not received become one", wrap: watches(drops)},
		{name: "queues signals", check: "signals that are not received become one", wrap: watches(queues)},
		{name: "closes the channel", check: "stop ends a watch, and no other", wrap: watches(closes)},
		{name: "goes on after stop", check: "stop ends a watch, and no other", wrap: watches(func(changed <-chan struct{}, _ func()) (<-chan struct{}, func()) {
			return changed, func() {}
		})},
		{name: "ends a watch with its context", check: "a watch outlives its context", wrap: twist(func(s session.Store, tw *twisted) {
			tw.watch = func(ctx context.Context, id string) (<-chan struct{}, func(), error) {
				changed, stop, err := s.Watch(ctx, id)
				context.AfterFunc(ctx, func() {
					if stop != nil {
						stop()
					}
				})
				return changed, stop, err
			}
		})},
		{name: "does not signal a steal", check: "Watch signals a steal", wrap: mutes(func(_ session.Item, steal, _ uint64) bool { return steal != 0 })},
		{name: "does not signal the end of a lost hold", check: "Watch signals Unlock of a lost hold", wrap: mutes(endsLost)},
		{name: "does not signal the commit of a lost hold", check: "Watch signals Unlock of a lost hold as committed", wrap: mutes(endsLost)},
		{name: "does not signal the end of a lost hold of a free session", check: "Watch signals Unlock of a lost hold of a free session", wrap: mutes(endsLost)},
		{name: "does not signal the end of a new item by a lost hold", check: "Watch signals Unlock of the last lost hold of a new item", wrap: mutes(endsLost)},
		{name: "signals a change before it makes it", check: "a signal finds the change made", wrap: signalsEarly},
	}
}

// watches changes what Watch answers.
func watches(change func(<-chan struct{}, func()) (<-chan struct{}, func())) func(session.Store) session.Store {
	return twist(func(s session.Store, tw *twisted) {
		tw.watch = func(ctx context.Context, id string) (<-chan struct{}, func(), error) {
			changed, stop, err := s.Watch(ctx, id)
			if err != nil {
				return nil, nil, err
			}
			changed, stop = change(changed, stop)
			return changed, stop, nil
		}
	})
}

// relay passes signals on until the watch is stopped.
func relay(changed <-chan struct{}, stop func(), pass func()) func() {
	over, once, relays := make(chan struct{}), sync.Once{}, sync.WaitGroup{}
	relays.Go(func() {
		for {
			select {
			case <-changed:
				pass()
			case <-over:
				return
			}
		}
	})
	return func() {
		stop()
		once.Do(func() { close(over) })
		relays.Wait()
	}
}

func signalsOnce(changed <-chan struct{}, stop func()) (<-chan struct{}, func()) {
	out, once := make(chan struct{}, 1), sync.Once{}
	return out, relay(changed, stop, func() { once.Do(func() { out <- struct{}{} }) })
}

func drops(changed <-chan struct{}, stop func()) (<-chan struct{}, func()) {
	out := make(chan struct{})
	return out, relay(changed, stop, func() {
		select {
		case out <- struct{}{}:
		default:
		}
	})
}

func queues(changed <-chan struct{}, stop func()) (<-chan struct{}, func()) {
	out := make(chan struct{}, 1000)
	return out, relay(changed, stop, func() {
		for range 3 {
			out <- struct{}{}
		}
	})
}

func closes(changed <-chan struct{}, stop func()) (<-chan struct{}, func()) {
	out, once := make(chan struct{}, 1), sync.Once{}
	end := relay(changed, stop, func() {
		select {
		case out <- struct{}{}:
		default:
		}
	})
	return out, func() { end(); once.Do(func() { close(out) }) }
}

// mutes makes a Lock that steals, or an Unlock, behind the back of those who
// watch, if mute says so.
func mutes(mute func(it session.Item, steal, unlock uint64) bool) func(session.Store) session.Store {
	return func(s session.Store) session.Store {
		var muted sync.Map // time.Time by id
		note := func(ctx context.Context, id string, steal, unlock uint64) {
			it, err := s.Get(ctx, id, session.GetOptions{})
			if err == nil && mute(it, steal, unlock) {
				muted.Store(id, time.Now())
			}
		}
		return twist(func(s session.Store, tw *twisted) {
			tw.lock = func(ctx context.Context, id string, o session.LockOptions) (session.Item, error) {
				note(ctx, id, o.Steal, 0)
				return s.Lock(ctx, id, o)
			}
			tw.unlock = func(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
				note(ctx, id, 0, token)
				return s.Unlock(ctx, id, token, o)
			}
			tw.watch = func(ctx context.Context, id string) (<-chan struct{}, func(), error) {
				changed, stop, err := s.Watch(ctx, id)
				if err != nil {
					return nil, nil, err
				}
				out := make(chan struct{}, 1)
				return out, relay(changed, stop, func() {
					if at, ok := muted.Load(id); ok && at.(time.Time).Equal(time.Now()) { // time stands still in a bubble until all wait
						return
					}
					select {
					case out <- struct{}{}:
					default:
					}
				}), nil
			}
		})(s)
	}
}

// endsLost reports whether an Unlock ends a lost hold.
func endsLost(it session.Item, _, unlock uint64) bool {
	return slices.ContainsFunc(it.Lost, func(h session.Hold) bool { return h.Token == unlock })
}

// signalsEarly unlocks a while after those who watch were told.
func signalsEarly(s session.Store) session.Store {
	var mu sync.Mutex
	watching := map[string]chan struct{}{}
	return twist(func(s session.Store, tw *twisted) {
		tw.watch = func(ctx context.Context, id string) (<-chan struct{}, func(), error) {
			mu.Lock()
			defer mu.Unlock()
			watching[id] = make(chan struct{}, 1)
			return watching[id], func() {}, ctx.Err()
		}
		tw.unlock = func(ctx context.Context, id string, token uint64, o session.UnlockOptions) error {
			mu.Lock()
			defer mu.Unlock()
			select {
			case watching[id] <- struct{}{}:
				time.Sleep(time.Second)
			default:
			}
			return s.Unlock(ctx, id, token, o)
		}
	})(s)
}

func brokenNodes() []brokenStore {
	return []brokenStore{
		{name: "takes no node for dead", check: "a node is alive for as long as it said", wrap: twist(func(s session.Store, tw *twisted) {
			tw.beat = func(ctx context.Context, node string, _ time.Duration) ([]string, error) {
				return s.Beat(ctx, node, 1000*time.Hour)
			}
		})},
		{name: "does not tell who beats", check: "Beat tells the nodes that are alive", wrap: twist(func(s session.Store, tw *twisted) {
			tw.beat = func(ctx context.Context, node string, ttl time.Duration) ([]string, error) {
				live, err := s.Beat(ctx, node, ttl)
				return slices.DeleteFunc(live, func(other string) bool { return other == node }), err
			}
		})},
		{name: "keeps keys of different case apart", check: "keys compare without case", wrap: twist(func(s session.Store, tw *twisted) {
			tw.learn = func(ctx context.Context, client string, keys []string) ([]string, error) {
				all, err := s.Learn(ctx, client, keys)
				for _, key := range keys {
					if !slices.Contains(all, key) {
						all = append(all, key)
					}
				}
				return all, err
			}
		})},
		{name: "tells only what it is told", check: "Learn tells all keys of a client", wrap: twist(func(s session.Store, tw *twisted) {
			tw.learn = func(ctx context.Context, client string, keys []string) ([]string, error) {
				_, err := s.Learn(ctx, client, keys)
				return keys, err
			}
		})},
		{name: "takes all clients for one", check: "clients are apart", wrap: twist(func(s session.Store, tw *twisted) {
			tw.learn = func(ctx context.Context, _ string, keys []string) ([]string, error) { return s.Learn(ctx, "", keys) }
		})},
	}
}
