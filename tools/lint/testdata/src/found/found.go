package found

import "os"

func unseen() {
	os.Remove("x") // want `unchecked error`
	os.Remove("y") //nolint:errcheck // it may be gone
}

func nothing() {
	_ = os.Remove("x") /* want `nothing to let stand here` */ //nolint:errcheck // it may be gone
}
