package survey

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"luvat/internal/i18n"
)

// A Source is one thing that a rule or a matter rests on: a place in an act,
// or the page of an authority.
type Source struct {
	Act      string   `json:"act,omitempty"`      // its id in the table of acts
	Chapter  string   `json:"chapter,omitempty"`  // 3
	Sections []string `json:"sections,omitempty"` // 2, 14, 18–20
	Annex    string   `json:"annex,omitempty"`    // 1
	Page     string   `json:"page,omitempty"`     // poliisi.fi
}

// An Act is a row of the table of acts: what a law, a decree or an EU
// regulation is called in the three languages. The table also names what is
// no act but grounds a duty all the same, such as the landowner's consent.
type Act struct {
	ID   string    `json:"id"`             // its number, 530/1999; a word for what has none
	Name i18n.Text `json:"name"`           // as within a sentence: kokoontumislaki
	Page string    `json:"page,omitempty"` // the host, where the name is what a page is about
}

// number returns what stands after the name.
func (a Act) number() string {
	if strings.Contains(a.ID, "/") {
		return " " + a.ID
	}
	return ""
}

// Cite tells sources in words, as "Kokoontumislaki 530/1999, 2 ja 14 §;
// poliisi.fi" in each language. A source that is in no table is an error.
func Cite(sources []Source, table []Act) (i18n.Text, error) {
	said := map[i18n.Lang][]string{}
	for _, s := range sources {
		i := slices.IndexFunc(table, func(a Act) bool { return a.ID == s.Act })
		if err := s.check(); err != nil {
			return i18n.Text{}, err
		}
		if s.Act != "" && i < 0 {
			return i18n.Text{}, fmt.Errorf("no act %q in the table of acts", s.Act)
		}
		for _, l := range i18n.Langs {
			if s.Act == "" {
				said[l] = append(said[l], s.Page)
			} else {
				said[l] = append(said[l], s.cite(l, table[i]))
			}
		}
	}
	text := func(l i18n.Lang) string {
		whole := strings.Join(said[l], "; ")
		if host, _, _ := strings.Cut(whole, " "); strings.Contains(host, ".") {
			return whole // an address is written small
		}
		first, n := utf8.DecodeRuneInString(whole)
		return string(unicode.ToUpper(first)) + whole[n:]
	}
	return i18n.Text{FI: text(i18n.FI), SV: text(i18n.SV), EN: text(i18n.EN)}, nil
}

func (s Source) check() error {
	place := s.Chapter != "" || len(s.Sections) > 0 || s.Annex != ""
	if (s.Act == "") == (s.Page == "") || s.Act == "" && place {
		return fmt.Errorf("source %+v is neither an act nor a page", s)
	}
	return nil
}

func (s Source) cite(l i18n.Lang, a Act) string {
	if a.Page != "" {
		return a.Page + " (" + a.Name.In(l) + ")"
	}
	and := " " + i18n.T(l, "survey.and") + " "
	where := ""
	if s.Chapter != "" {
		where = i18n.T(l, "survey.chapter", s.Chapter)
	}
	if n := len(s.Sections); n > 0 {
		sections := s.Sections[n-1]
		if n > 1 {
			sections = strings.Join(s.Sections[:n-1], ", ") + and + sections
		}
		key := "survey.section"
		if n > 1 || strings.Contains(sections, "–") {
			key = "survey.sections"
		}
		sections = i18n.T(l, key, sections)
		if where != "" {
			sections = i18n.T(l, "survey.chapter_sections", where, sections)
		}
		where = sections
	}
	if s.Annex != "" {
		annex := i18n.T(l, "survey.annex", s.Annex)
		if where != "" {
			annex = where + and + annex
		}
		where = annex
	}
	if where != "" {
		where = ", " + where
	}
	return a.Name.In(l) + a.number() + where
}

// WithActs returns the survey with the rows of the table of acts that its
// sources name. That is how a version is kept: whole in itself, so that a
// result says the same in ten years, whatever the table says then. A survey
// without such sources stays as it is, byte for byte.
func WithActs(body []byte, table []Act) ([]byte, error) {
	var cites struct {
		Rules  []struct{ Sources []Source }
		Advice []struct{ Sources []Source }
	}
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(body, &cites); err != nil {
		return nil, fmt.Errorf("read survey: %w", err)
	}
	if err := json.Unmarshal(body, &whole); err != nil {
		return nil, fmt.Errorf("read survey: %w", err)
	}
	named := map[string]bool{}
	for _, all := range [][]struct{ Sources []Source }{cites.Rules, cites.Advice} {
		for _, one := range all {
			for _, s := range one.Sources {
				named[s.Act] = true
			}
		}
	}
	used := slices.DeleteFunc(slices.Clone(table), func(a Act) bool { return !named[a.ID] })
	if len(used) == 0 {
		return body, nil
	}
	acts, err := json.Marshal(used)
	if err != nil {
		return nil, err
	}
	whole["acts"] = acts
	return json.Marshal(whole)
}
