// Command makefonts makes the fonts of our PDF documents from the WOFF files
// of the npm package @fontsource/source-sans-3:
//
//	go run ./internal/makefonts -from <package folder> -to fonts
//
// The package has a file for each script and weight; ours has one font for
// each weight, named Luvat Sans because the licence reserves the name Source
// for the originals. The same input gives the same bytes.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"luvat/internal/pdf/internal/ttf"
)

// scripts are the parts of the typeface, the most important first.
var scripts = []string{"latin", "latin-ext", "vietnamese", "greek", "greek-ext", "cyrillic", "cyrillic-ext"}

var styles = []struct {
	weight int
	name   string
}{{400, "Regular"}, {600, "SemiBold"}}

// extras are what the typeface lacks and our texts need: the letters of Skolt
// Sámi, hyphens and a space with their own meaning, and the sign that stands
// for every character we cannot draw.
var extras = []ttf.Extra{
	{Rune: 'ǩ', Base: 'k', Mark: 'ˇ'},
	{Rune: 'Ǩ', Base: 'K', Mark: 'ˇ'},
	{Rune: '\u2010', Base: '-'},
	{Rune: '\u2011', Base: '-'},
	{Rune: '\u202F', Base: '\u00A0'},
	{Rune: '\uFFFD', Base: 0},
}

func main() {
	from := flag.String("from", "", "folder of the unpacked package @fontsource/source-sans-3")
	to := flag.String("to", "fonts", "folder to write the fonts to")
	flag.Parse()
	for _, s := range styles {
		if err := makeFont(*from, *to, s.weight, s.name); err != nil {
			log.Fatalf("make %s: %v", s.name, err)
		}
	}
}

func makeFont(from, to string, weight int, style string) error {
	var fonts []ttf.Tables
	for _, script := range scripts {
		data, err := os.ReadFile(filepath.Join(from, "files", fmt.Sprintf("source-sans-3-%s-%d-normal.woff", script, weight)))
		if err != nil {
			return err
		}
		t, err := ttf.FromWOFF(data)
		if err != nil {
			return fmt.Errorf("%s: %w", script, err)
		}
		fonts = append(fonts, t)
	}
	t, err := ttf.Merge(fonts, extras, ttf.Names{
		Family: "Luvat Sans",
		Style:  style,
		Copyright: "© 2023 Adobe (http://www.adobe.com/), with Reserved Font Name ‘Source’. " +
			"Modified: scripts joined, six characters added, features and hinting removed, renamed.",
		Version: "Version 3.052",
		License: "This Font Software is licensed under the SIL Open Font License, Version 1.1.",
		URL:     "http://scripts.sil.org/OFL",
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "LuvatSans-"+style+".ttf"), t.Bytes(), 0o644)
}
