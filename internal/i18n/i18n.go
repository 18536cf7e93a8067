// Package i18n holds the words of the hub in Finnish, Swedish and English.
//
// Finnish and Swedish are equal by law (Language Act 423/2003), English is
// complete too: a key that lacks one of the three fails a test. Words lie in
// texts/<area>.json as {"key": {"fi": …, "sv": …, "en": …}}; the blanks {0},
// {1} are filled from the arguments. Content (names of matters, questions of
// surveys, fields of forms) carries its own words as Text.
package i18n

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"
)

// Lang is one of the hub's languages, as in HTML's lang attribute.
type Lang string

// The languages, Finnish first because it is the default.
const (
	FI Lang = "fi"
	SV Lang = "sv"
	EN Lang = "en"
)

// Langs lists all languages in the order the pages offer them.
var Langs = []Lang{FI, SV, EN}

// Parse returns the language that s names, or Finnish.
func Parse(s string) Lang {
	l, ok := Known(s)
	if !ok {
		return FI
	}
	return l
}

// Known tells whether s names a language of the hub.
func Known(s string) (Lang, bool) {
	for _, l := range Langs {
		if string(l) == s {
			return l, true
		}
	}
	return "", false
}

// Text is the same thing said in the three languages.
type Text struct {
	FI string `json:"fi"`
	SV string `json:"sv"`
	EN string `json:"en"`
}

// In returns the text in the language l.
func (t Text) In(l Lang) string {
	switch l {
	case SV:
		return t.SV
	case EN:
		return t.EN
	default:
		return t.FI
	}
}

// Empty tells whether nothing is said in any language.
func (t Text) Empty() bool { return t == Text{} }

// Whole tells whether all three languages are there.
func (t Text) Whole() bool { return t.FI != "" && t.SV != "" && t.EN != "" }

//go:embed texts/*.json
var files embed.FS

var words = mustRead()

func mustRead() map[string]Text {
	all, err := read()
	if err != nil {
		panic(err) // the files are part of the program: a test meets this first
	}
	return all
}

func read() (map[string]Text, error) {
	entries, err := files.ReadDir("texts")
	if err != nil {
		return nil, err
	}
	all := map[string]Text{}
	for _, e := range entries {
		body, err := files.ReadFile(path.Join("texts", e.Name()))
		if err != nil {
			return nil, err
		}
		var part map[string]Text
		if err := json.Unmarshal(body, &part); err != nil {
			return nil, fmt.Errorf("texts/%s: %w", e.Name(), err)
		}
		for key, text := range part {
			if _, twice := all[key]; twice {
				return nil, fmt.Errorf("texts/%s: key %s stands in another file too", e.Name(), key)
			}
			all[key] = text
		}
	}
	return all, nil
}

// T returns the words of the key in the language, its blanks filled.
//
// An unknown key is shown as itself in brackets: ugly enough to be seen, and
// a test finds it first.
func T(l Lang, key string, args ...any) string {
	t, ok := words[key]
	if !ok {
		return "[" + key + "]"
	}
	return Fill(t.In(l), args...)
}

// Has tells whether the key has words.
func Has(key string) bool {
	_, ok := words[key]
	return ok
}

// All returns the words of a key in all languages, blanks unfilled.
func All(key string) Text { return words[key] }

// Fill puts the arguments in the blanks {0}, {1}, … of s. An argument that
// is a Text is told in no language here: choose one first.
func Fill(s string, args ...any) string {
	if len(args) == 0 {
		return s
	}
	pairs := make([]string, 0, 2*len(args))
	for i, a := range args {
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", fmt.Sprint(a))
	}
	return strings.NewReplacer(pairs...).Replace(s)
}
