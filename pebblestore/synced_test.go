// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import (
	"path/filepath"
	"testing"
)

// TestFormerManifest crashes while Pebble goes over to another manifest: what is
// known of the one before must still be known, also the next time.
func TestFormerManifest(t *testing.T) {
	var f syncedFile
	f.noteManifest(extent{5, 100})
	f.noteManifest(extent{5, 200})
	f.noteManifest(extent{9, 10})
	for manifest, want := range map[uint64]extent{5: {5, 200}, 9: {9, 10}, 11: {11, 0}} {
		if got, known := f.says.of(manifest); got != want || !known {
			t.Errorf("of manifest %d it is known (%t) that %+v was synced, want %+v", manifest, known, got, want)
		}
	}
	if _, known := new(extents).of(5); known {
		t.Error("what was never written is known")
	}
}

// TestSyncedSpoiled spoils each byte of the file in turn: it says nothing then,
// rather than that what is beside it is damaged.
func TestSyncedSpoiled(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, syncedName)
	said := extents{log: extent{7, 100}, manifest: extent{9, 10}, former: extent{5, 200}}
	for i := range len(said.bytes()) + 1 {
		spoiled, want := said.bytes(), said
		if i < len(spoiled) {
			spoiled[i] ^= 0x10
			want = extents{}
		}
		if err := writeSynced(path, spoiled); err != nil {
			t.Fatal(err)
		}
		if got, err := readExtents(dir); err != nil || got != want {
			t.Errorf("with byte %d spoiled, it says %+v, error %v; want %+v", i, got, err, want)
		}
	}
}
