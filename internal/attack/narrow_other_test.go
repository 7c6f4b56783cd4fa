// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package attack_test

import "errors"

func setReceiveBuffer(uintptr, int) error { return errors.ErrUnsupported }

func descriptorLimit() (int, error) { return 1 << 20, nil }
