// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import "testing"

func TestDurationsAndSizesReadAsTheyAreWritten(t *testing.T) {
	for _, text := range []string{"0s", "250ms", "10s", "20m", "1h", "1h30m", "1m30s", "1h0m1s", "8760h"} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || d.String() != text {
			t.Errorf("%s reads %s, %v", text, d, err)
		}
	}
	for _, text := range []string{"0", "1", "1023", "1KiB", "1500", "64KiB", "1MiB", "1025KiB", "2GiB"} {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s.String() != text {
			t.Errorf("%s reads %s, %v", text, s, err)
		}
	}
}
