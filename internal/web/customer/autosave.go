package customer

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"luvat/internal/matter"
	"luvat/internal/web/site"
)

// answer is what an autosave is told.
type answer struct {
	Version   int64    `json:"version"`
	SavedAt   string   `json:"saved_at"`
	Conflicts []string `json:"conflicts"`
	Refresh   bool     `json:"refresh"`
	Wrong     []wrong  `json:"wrong"` // what is saved and cannot be sent so
}

// wrong is an answer that cannot be sent as it is.
type wrong struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

// autosave saves the fields that were changed since the last save. Where
// somebody else changed the same field, that field alone is left unsaved and
// the version stays what it was, so that sending the form shows both texts.
func (r room) autosave(w http.ResponseWriter, a *site.Ask, p *paper, v url.Values) error {
	seen, err := site.Number(v, "_version")
	if err != nil {
		return err
	}
	mine, _ := p.form.ReadOver(p.answers, touched(v))
	if mine == nil {
		return errTooLarge
	}
	r.codes(p.form, mine)
	saved, err := p.save(seen, mine)
	out := answer{Version: saved.Version, Conflicts: []string{}, Refresh: saved.Merged, Wrong: []wrong{}}
	if c, ok := errors.AsType[*matter.ChangedElsewhere](err); ok {
		for _, k := range c.Clashes {
			out.Conflicts = append(out.Conflicts, k.Path)
			theirs, _ := c.Theirs.At(k.Path)
			c.Merged.Put(k.Path, theirs)
		}
		saved, err = p.save(c.Version, c.Merged)
		out.Version, out.Refresh = seen, false
	}
	if err != nil {
		return err
	}
	out.SavedAt = say{a.Lang}.savedAt(saved.At, r.Now())
	for _, p := range saved.Wrong {
		out.Wrong = append(out.Wrong, wrong{p.Path, p.Text(a.Lang)})
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(out)
}

// touched keeps of the posted names those of fields that the person changed:
// the rest may be older than what others have saved since.
func touched(v url.Values) url.Values {
	var fields []string
	for _, name := range v["_changed"] {
		fields = append(fields, fieldOf(name))
	}
	out := url.Values{}
	for name, values := range v {
		if slices.ContainsFunc(fields, func(f string) bool { return name == f || strings.HasPrefix(name, f+".") }) {
			out[name] = values
		}
	}
	return out
}

// fieldOf returns the whole answer that an input is a part of: rows are one
// answer, and so are a date and its time.
func fieldOf(name string) string {
	parts := strings.Split(name, ".")
	for i, part := range parts {
		if _, err := strconv.Atoi(part); err == nil {
			return strings.Join(parts[:i], ".")
		}
	}
	if last := parts[len(parts)-1]; len(parts) > 1 && (last == "date" || last == "time") {
		return strings.Join(parts[:len(parts)-1], ".")
	}
	return name
}
