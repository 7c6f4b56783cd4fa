// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package pebblestore

import "testing"

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
