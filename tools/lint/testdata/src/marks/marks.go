package marks

import "os"

func reasoned() {
	os.Remove("x") //nolint:errcheck // it may be gone
}

func unreasoned() {
	os.Remove("x") /* want `say why the finding may stand` */ //nolint:errcheck
}

func unknown() {
	os.Remove("x") /* want `a mark names one of errcheck` */ //nolint:spelling // we like it
}
