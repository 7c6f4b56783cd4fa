// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sessionbridge/session/pebblestore"
)

// give makes another user the owner of all there is in a directory.
func give(t *testing.T, dir string, user int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chown(path, user, -1))
	})
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("no directory can be given to another user: %v", err)
	}
	t.Skipf("no directory can be given to another user: %v", err)
}

// TestOfAnotherUser opens a store of another user, who could not open it any more
// if something new were in it.
func TestOfAnotherUser(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	someStore(t, dir)
	empty := t.TempDir()
	give(t, dir, 4711)
	give(t, empty, 4711)
	refused := func(err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "is owned by user 4711") {
			t.Errorf("the store of another user: %v", err)
		}
	}
	for _, lock := range []bool{true, false} {
		if !lock {
			remove(t, filepath.Join(dir, "lock"))
		}
		before := listing(t, dir)
		_, err := pebblestore.Open(t.Context(), quiet(dir))
		refused(err)
		_, err = pebblestore.Check(t.Context(), quiet(dir), nil)
		refused(err)
		refused(pebblestore.Backup(t.Context(), quiet(dir), dir+".copy", nil))
		if after := listing(t, dir); !slices.Equal(before, after) {
			t.Errorf("the files were\n%q and are\n%q", before, after)
		}
	}
	_, err := pebblestore.Open(t.Context(), quiet(empty))
	refused(err)
	if made := listing(t, empty); made != nil {
		t.Errorf("%q was made", made)
	}
}

// TestCheckByAnotherUser checks a store as one who may not even look into it: it
// can't be told that it is none.
func TestCheckByAnotherUser(t *testing.T) {
	above := t.TempDir()
	dir := filepath.Join(above, "store")
	someStore(t, dir)
	give(t, dir, 4711)
	if err := os.Chmod(filepath.Dir(above), 0o755); err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread() // the user is that of a thread
	defer runtime.UnlockOSThread()
	if err := syscall.Setfsuid(4712); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setfsuid(0)
	for what, err := range map[string]error{
		"check":  second(pebblestore.Check(t.Context(), quiet(dir), nil)),
		"backup": pebblestore.Backup(t.Context(), quiet(dir), dir+".copy", nil),
	} {
		if err == nil || !strings.Contains(err.Error(), "is owned by user 4711, and this is user ") || strings.Contains(err.Error(), "is no store") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// second drops the first of two results.
func second(_ pebblestore.Report, err error) error { return err }

// TestCheckReadOnly checks a store on a medium that can't be written.
func TestCheckReadOnly(t *testing.T) {
	disk := smallDisk(t, 256)
	dir := filepath.Join(disk, "store")
	ids := someStore(t, dir)
	mount := func(flags uintptr) {
		if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, left := range []string{"lock", "pebble/LOCK"} {
		mount(syscall.MS_RDONLY)
		report, err := pebblestore.Check(t.Context(), quiet(dir), nil)
		if err != nil || report.Items != len(ids) || len(report.Damage) != 0 {
			t.Errorf("with %s, the check finds %+v, error %v", left, report, err)
		}
		mount(0)
		remove(t, filepath.Join(dir, left))
	}
	mount(syscall.MS_RDONLY)
	if _, err := pebblestore.Check(t.Context(), quiet(dir), nil); err != nil {
		t.Errorf("without locks: %v", err)
	}
}
