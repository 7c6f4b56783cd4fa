// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/pebblestore"
	"github.com/sessionbridge/session/wire"
)

const (
	crashDir     = "PEBBLESTORE_CRASH_DIR"    // makes the test binary a writer that will be killed
	crashLazy    = "PEBBLESTORE_CRASH_LAZY"   // set: that one syncs nothing
	crashRounds  = "PEBBLESTORE_CRASH_ROUNDS" // how often one is; 10 by default
	crashWriters = 16
	crashItems   = 4 // of each writer
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := writeUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// writeUntilKilled commits from many goroutines, and tells on its standard
// output what was committed, once that is so.
func writeUntilKilled(dir string) error {
	o := pebblestore.Options{Dir: dir}
	if os.Getenv(crashLazy) != "" {
		o.SyncEvery = time.Hour // what was acknowledged outlives the process all the same
	}
	s, err := pebblestore.Open(context.Background(), o)
	if err != nil {
		return err
	}
	if _, err := s.Beat(context.Background(), "killed", time.Minute); err != nil {
		return err
	}
	failed := make(chan error)
	for w := range crashWriters {
		go func() { failed <- writeItems(s, w) }()
	}
	return <-failed
}

// writeItems changes the items of one writer in turn, by numbers that rise.
func writeItems(s *pebblestore.Store, w int) error {
	for n := uint64(time.Now().UnixNano()); ; n++ {
		if err := writeItem(s, crashID(w, int(n%crashItems)), n); err != nil {
			return err
		}
	}
}

// writeItem takes a hold and commits by it, or leaves it for the next one to
// steal.
func writeItem(s *pebblestore.Store, id string, n uint64) error {
	ctx := context.Background()
	present, err := s.Get(ctx, id, session.GetOptions{})
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		return err
	}
	want := session.Hold{Node: "killed", Client: "shop", Trace: fmt.Sprint(n), Detached: true}
	it, err := s.Lock(ctx, id, session.LockOptions{Hold: want, Steal: present.Hold.Token, Timeout: time.Hour})
	if err != nil {
		return err
	}
	tell := func(op string) { fmt.Printf("%s %s %d %d\n", op, id, n, it.Hold.Token) }
	tell("lock")
	switch rand.IntN(8) {
	case 0:
		tell("trydelete")
		if err = s.Delete(ctx, id, it.Hold.Token); err == nil {
			tell("delete")
		}
	case 1: // held until somebody steals it
	default:
		tell("tryput")
		if err = s.Put(ctx, id, it.Hold.Token, crashData(n), session.PutOptions{Timeout: time.Hour}); err == nil {
			tell("put")
		}
	}
	return err
}

func crashID(w, k int) string { return fmt.Sprintf("crash%010dxx%07d", w, k) }

// crashData are the data of a number: some are long, and all tell if a part is
// not theirs.
func crashData(n uint64) []byte {
	r := rand.New(rand.NewPCG(n, 1))
	length := r.IntN(2000)
	if r.IntN(20) == 0 {
		length = r.IntN(100_000)
	}
	value := strconv.AppendUint(nil, n, 10)
	for range length / 8 {
		value = strconv.AppendUint(append(value, ','), r.Uint64(), 36)
	}
	return itemsOf("n", strconv.Quote(string(value)))
}

func itemsOf(key, value string) []byte {
	return wire.AppendItems(nil, []wire.Item{{Key: key, Value: []byte(value)}}, nil)
}

// crashNumber is the number of which the data are; false if they are of none.
func crashNumber(data []byte) (n uint64, ok bool) {
	items := wire.Scan(data)
	if !items.Next() {
		return 0, false
	}
	_, err := fmt.Sscanf(string(items.Value()), `"%d`, &n)
	return n, err == nil && bytes.Equal(data, crashData(n))
}

// A crashBook is what a killed writer said of one id.
type crashBook struct {
	lastHold uint64
	acked    crashLine // the last change that it was told is stored
	tried    crashLine // the last that it began
	fresh    bool      // it said something in the last round
}

type crashLine struct {
	op       string
	n, token uint64
}

// stored is the number that is stored after a change; 0 for none.
func (l crashLine) stored() uint64 {
	if l.op == "put" || l.op == "tryput" {
		return l.n
	}
	return 0
}

// TestCrash kills a process that commits, again and again. What it was told is
// stored must be there, nothing may be there by halves, and what it held can be
// committed.
func TestCrash(t *testing.T) {
	rounds, err := strconv.Atoi(cmp.Or(os.Getenv(crashRounds), "10"))
	if err != nil {
		t.Fatal(err)
	}
	if testing.Short() {
		rounds = 3
	}
	dir := filepath.Join(t.TempDir(), "store")
	books := map[string]*crashBook{}
	commits, held := 0, 0
	for round := range rounds {
		commits += crash(t, dir, round%4 == 3, books)
		held += verify(t, dir, books)
		if t.Failed() {
			t.Fatalf("after round %d", round)
		}
	}
	if commits == 0 || held == 0 {
		t.Errorf("%d commits in all rounds, and %d holds", commits, held)
	}
	t.Logf("%d commits in %d rounds; %d holds of killed processes were committed", commits, rounds, held)
}

// crash runs a writer, and kills it after a while that is random.
func crash(t *testing.T, dir string, lazy bool, books map[string]*crashBook) (commits int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	if lazy {
		cmd.Env = append(cmd.Env, crashLazy+"=1")
	}
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	counted, begun := make(chan int, 1), make(chan struct{})
	go func() { counted <- readBooks(out, books, sync.OnceFunc(func() { close(begun) })) }()
	select {
	case <-begun:
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
	case <-counted:
		t.Fatalf("the writer ended: %v: %s", cmd.Wait(), &complaint)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	commits = <-counted
	_ = cmd.Wait()
	if complaint.Len() > 0 {
		t.Fatalf("the writer says: %s", &complaint)
	}
	return commits
}

// readBooks takes down what a writer says. Its last line may be cut off.
func readBooks(out io.Reader, books map[string]*crashBook, begun func()) (commits int) {
	for r := bufio.NewReader(out); ; {
		text, err := r.ReadString('\n')
		if err != nil {
			return commits
		}
		begun()
		var id string
		var l crashLine
		if _, err := fmt.Sscanf(text, "%s %s %d %d\n", &l.op, &id, &l.n, &l.token); err != nil {
			continue
		}
		b := books[id]
		if b == nil {
			b = &crashBook{}
			books[id] = b
		}
		b.fresh, b.lastHold = true, max(b.lastHold, l.token)
		switch l.op {
		case "put", "delete":
			b.acked, commits = l, commits+1
		case "tryput", "trydelete":
			b.tried = l
		}
	}
}

// verify opens the store of a writer that was killed, and commits what that
// held.
func verify(t *testing.T, dir string, books map[string]*crashBook) (held int) {
	t.Helper()
	s := open(t, pebblestore.Options{Dir: dir})
	defer mustClose(t, s)
	m, err := session.OpenManager(t.Context(), s, session.ManagerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for id, b := range books {
		it, err := s.Get(t.Context(), id, session.GetOptions{})
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			t.Fatal(err)
		}
		b.check(t, id, it, err == nil)
		if it.Hold.Token != 0 {
			b.commitHeld(t, m, it)
			held++
		}
		b.grantNext(t, s, id)
		b.fresh = false
	}
	return held
}

// check compares an item with what its writer said: it must be what was
// committed last, or what was being committed when the writer was killed.
func (b *crashBook) check(t *testing.T, id string, it session.Item, found bool) {
	t.Helper()
	var n uint64
	if found && !it.New {
		var ok bool
		if n, ok = crashNumber(it.Data); !ok {
			t.Errorf("%s has %d bytes that nobody committed", id, len(it.Data))
			return
		}
	}
	over := b.tried.token > b.acked.token && n == b.tried.stored() && it.Hold.Token != b.tried.token
	if n != b.acked.stored() && !over {
		t.Errorf("%s has %d; the last commit was %+v, and %+v was tried", id, n, b.acked, b.tried)
	}
	if b.fresh && it.Hold.Token < b.lastHold && b.lastHold != b.tried.token {
		t.Errorf("%s: the last hold was %d, and the item has %d", id, b.lastHold, it.Hold.Token)
	}
	if over {
		b.acked = b.tried
	}
	b.lastHold = max(b.lastHold, it.Hold.Token) // it may have been granted and not told
}

// commitHeld commits what the writer held when it was killed, as the PUT does
// that comes to the next process.
func (b *crashBook) commitHeld(t *testing.T, m *session.Manager, it session.Item) {
	t.Helper()
	found, err := m.Find(t.Context(), it.ID, it.Hold.Trace, it.Hold.Client)
	if err != nil {
		t.Errorf("the hold of a former process is not found: %v", err)
		return
	}
	n := uint64(time.Now().UnixNano())
	u := session.Update{Client: session.Client{Name: "shop", Replace: true}, Items: crashData(n), Timeout: time.Hour}
	if err := m.Commit(t.Context(), found, u); err != nil {
		t.Errorf("commit of a hold of a former process: %v", err)
		return
	}
	b.acked = crashLine{op: "put", n: n, token: it.Hold.Token}
	b.tried = b.acked
}

// grantNext checks that tokens rise.
func (b *crashBook) grantNext(t *testing.T, s *pebblestore.Store, id string) {
	t.Helper()
	it, err := s.Lock(t.Context(), id, session.LockOptions{Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if it.Hold.Token <= b.lastHold {
		t.Errorf("%s: token %d follows %d", id, it.Hold.Token, b.lastHold)
	}
	b.lastHold = it.Hold.Token
	if err := s.Unlock(t.Context(), id, it.Hold.Token, session.UnlockOptions{}); err != nil {
		t.Fatal(err)
	}
}

func mustClose(t testing.TB, s *pebblestore.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
