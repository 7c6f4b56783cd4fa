// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package bench measures what Session Bridge costs beside what there is to do
// at least: each row has a null baseline, which does the same without a session
// and is measured in the same run. README.md tells what the rows mean.
//
// It is all tests. Plain go test runs every row once and briefly, so that none
// can rot; make bench measures. It knows no absolute times: a machine is as fast
// as it is.
package bench
