// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

// nearest returns the name that a misspelt one was most likely meant to be: at
// most two letters differ, and fewer than half of them.
func nearest(misspelt string, names []string) (name string, ok bool) {
	best := min(2, (len(misspelt)-1)/2)
	for _, candidate := range names {
		if d := distance(misspelt, candidate); d <= best && (!ok || d < best) {
			name, ok, best = candidate, true, d
		}
	}
	return name, ok
}

// distance returns how many letters must be added, removed or changed to make b
// of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0] // of the row above, one to the left
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}
