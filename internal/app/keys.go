package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/identity/pic"
)

// useKeys reads the file of keys for the hub. It is made with new keys if it is
// not there, but only for a database in which nothing needs a key: new keys under
// the names of lost ones would make strangers of everybody, and look right.
func (h *Hub) useKeys(ctx context.Context, file string) (*pic.Vault, error) {
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		uses, err := keyUses(ctx, h.DB, h.Desk.Now())
		if err != nil {
			return nil, err
		}
		uses = slices.DeleteFunc(uses, func(u identity.KeyUse) bool { return u.Rows == 0 })
		if need := needs(uses); need != "" {
			return nil, fmt.Errorf("keys: the file %s is not there, and nobody would be known again (%s): put it back from its backup", file, need)
		}
		if err := newKeys(file); err != nil {
			return nil, err
		}
	}
	keys, err := keyFile(file)
	if err != nil {
		return nil, err
	}
	h.keys, h.Site.Register, h.Site.Sessions.Vault = keys, &identity.Register{Vault: keys}, keys
	return keys, nil
}

func keyUses(ctx context.Context, d *db.DB, now time.Time) (uses []identity.KeyUse, err error) {
	err = d.View(ctx, func(tx *db.Tx) error {
		uses, err = identity.KeyUses(ctx, tx, now)
		return err
	})
	return uses, err
}

// beginKeys looks, before anybody comes, whether the file has the keys that rows
// need. Whoever could not be found by the keys that are there would be taken for
// somebody new, so all that can still be opened is hashed anew first; while rows
// are left that nobody can open the hub does not start, unless it is told that
// their keys are lost.
func (h *Hub) beginKeys(ctx context.Context) error {
	if h.keys == nil {
		return nil
	}
	missing, err := h.missing(ctx)
	if err != nil || len(missing) == 0 {
		return err
	}
	for _, u := range missing {
		h.log.ErrorContext(ctx, "the file of keys lacks a key that rows need", "ring", u.Ring, "key", u.Key, "rows", u.Rows)
	}
	if err := h.rotateKeys(ctx); err != nil {
		return err
	}
	if missing, err = h.missing(ctx); err != nil {
		return err
	}
	missing = slices.DeleteFunc(missing, func(u identity.KeyUse) bool { return slices.Contains(h.Config.SignIn.lost(), u.Key) })
	if len(missing) > 0 {
		return fmt.Errorf("the hub does not start half configured: keys: the file lacks keys that rows need (%s), and their people would come in as somebody new: "+
			"put them back, behind the others; if they are lost for good, write their ids into lost_keys of the file LUVAT_SIGN_IN", needs(missing))
	}
	return nil
}

func (h *Hub) missing(ctx context.Context) ([]identity.KeyUse, error) {
	uses, err := keyUses(ctx, h.DB, h.Desk.Now())
	if err != nil {
		return nil, err
	}
	return missingKeys(uses, h.keys), nil
}

// rotateKeys brings all rows to the newest keys, and says what it could not
// bring when that has changed.
func (h *Hub) rotateKeys(ctx context.Context) error {
	if h.keys == nil {
		return nil
	}
	done, err := identity.Rotate(ctx, h.DB, h.keys)
	if done.Renewed > 0 {
		h.log.InfoContext(ctx, "identifiers renewed with the newest keys", "rows", done.Renewed)
	}
	if err != nil {
		return err
	}
	left := leftBehind(done)
	if text := strings.Join(left, "; "); text != h.toldOf {
		h.toldOf = text
		for _, l := range left {
			h.log.ErrorContext(ctx, "identifiers could not be renewed with the newest keys", "left", l)
		}
	}
	return nil
}

// leftBehind says in words what a pass had to leave as it was.
func leftBehind(r identity.Rotated) (all []string) {
	for key, n := range r.NoKey {
		all = append(all, fmt.Sprintf("%d rows were sealed with key %q, which is not there: nobody can open them", n, key))
	}
	slices.Sort(all)
	some := func(ids []string, what string) {
		if n := len(ids); n > 0 {
			all = append(all, fmt.Sprintf("%d rows %s: %s", n, what, strings.Join(ids[:min(n, 5)], ", ")))
		}
	}
	some(r.Broken, "do not open with the key that they name")
	some(r.Twice, "keep an older hash, since another row has the newest of the same identifier")
	return all
}

// RotateKeys seals and hashes anew at once all that an older key made, and says
// what is left; ok is false when something could not be renewed.
func RotateKeys(ctx context.Context, c Config, out io.Writer) (ok bool, err error) {
	if c.Keys == "" {
		return false, errors.New("say where the keys are: LUVAT_SIGN_IN")
	}
	keys, err := keyFile(c.Keys)
	if err != nil {
		return false, err
	}
	d, err := db.Open(ctx, c.DatabaseURL)
	if err != nil {
		return false, err
	}
	defer d.Close() //nolint:errcheck // all is written
	done, err := identity.Rotate(ctx, d, keys)
	if err != nil {
		return false, err
	}
	fmt.Fprintf(out, "%d rows renewed\n", done.Renewed)
	left := leftBehind(done)
	for _, l := range left {
		fmt.Fprintln(out, "LEFT ", l)
	}
	uses, err := keyUses(ctx, d, time.Now())
	if err != nil {
		return false, err
	}
	for _, line := range ringLines(uses, keys) {
		fmt.Fprintln(out, line)
	}
	return len(left) == 0, nil
}

// checkKeys tells which keys are needed and whether they are there. deep opens
// everything.
func checkKeys(ctx context.Context, d *db.DB, file string, deep bool, tell func(what string, err error, good string)) {
	uses, err := keyUses(ctx, d, time.Now())
	if err != nil {
		tell("keys", err, "")
		return
	}
	if len(uses) == 0 {
		tell("keys", nil, "nothing needs one")
		return
	}
	if file == "" {
		tell("keys", fmt.Errorf("not compared with the file (%s): say where it is, LUVAT_SIGN_IN", needs(uses)), "")
		return
	}
	keys, err := keyFile(file)
	if err != nil {
		tell("keys", err, "")
		return
	}
	if missing := missingKeys(uses, keys); len(missing) > 0 {
		err = fmt.Errorf("the file lacks keys that are needed (%s): put them back, behind the others", needs(missing))
	}
	tell("keys", err, strings.Join(ringLines(uses, keys), "; "))
	if !deep {
		return
	}
	v, err := identity.Verify(ctx, d, keys)
	if err == nil && len(v.Broken) > 0 {
		err = fmt.Errorf("%d of %d do not open with the keys that they name, or are found by another hash: %s", len(v.Broken), v.Rows, strings.Join(v.Broken[:min(len(v.Broken), 5)], ", "))
	}
	tell("identifiers", err, fmt.Sprintf("%d, each opens and is found by its hash", v.Rows))
}

// missingKeys are the uses of keys that the vault does not have. What runs out by
// itself does not count: who is signed in signs in again.
func missingKeys(uses []identity.KeyUse, v *pic.Vault) (all []identity.KeyUse) {
	encrypt, find := v.IDs()
	for _, u := range uses {
		ring := map[string][]string{identity.SealRing: encrypt, identity.FindRing: find}[u.Ring]
		if u.Rows > 0 && !slices.Contains(ring, u.Key) {
			all = append(all, u)
		}
	}
	return all
}

// needs says in words what needs which key.
func needs(uses []identity.KeyUse) string {
	all := make([]string, len(uses))
	for i, u := range uses {
		all[i] = fmt.Sprintf("%s %s: %s", u.Ring, cmp.Or(u.Key, "(no key)"), amount(u))
	}
	return strings.Join(all, "; ")
}

func amount(u identity.KeyUse) string {
	if u.Passing == 0 {
		return fmt.Sprintf("%d rows", u.Rows)
	}
	return fmt.Sprintf("%d rows, %d of sessions and sign-ins under way", u.Rows, u.Passing)
}

// ringLines says of every key of the file what needs it, and so whether it must
// stay.
func ringLines(uses []identity.KeyUse, v *pic.Vault) (all []string) {
	ring := func(name string, ids []string) {
		for i, id := range ids {
			at := slices.IndexFunc(uses, func(u identity.KeyUse) bool { return u.Ring == name && u.Key == id })
			switch {
			case at >= 0 && i == 0:
				all = append(all, fmt.Sprintf("%s %s: %s, the newest", name, id, amount(uses[at])))
			case at >= 0:
				all = append(all, fmt.Sprintf("%s %s: %s, must stay", name, id, amount(uses[at])))
			case i == 0:
				all = append(all, fmt.Sprintf("%s %s: nothing yet, the newest", name, id))
			default:
				all = append(all, fmt.Sprintf("%s %s: nothing needs it", name, id))
			}
		}
	}
	encrypt, find := v.IDs()
	ring(identity.SealRing, encrypt)
	ring(identity.FindRing, find)
	return all
}
