package place

import (
	"math"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	tampere, grid := Point{61.4978, 23.7610}, Point{61.492862, 23.749969} // N 6822000, E 327000
	seconds := Point{61.497778, 23.761111}                                // 61°29'52"N 23°45'40"E
	for _, tt := range []struct {
		text string
		want Point
	}{
		{"61.4978, 23.7610", tampere},
		{"61.4978,23.7610", tampere},
		{"  61.4978\t23.7610\n", tampere},
		{"61,4978 23,7610", tampere},
		{"61,4978, 23,7610", tampere},
		{"61,4978,23,7610", tampere},
		{"61,4978; 23,7610", tampere},
		{"(61.4978, 23.7610)", tampere},
		{"61.4978 N, 23.7610 E", tampere},
		{"N 61,4978 E 23,7610", tampere},
		{"61.4978° N 23.7610° E", tampere},
		{"61,4978°P 23,7610°I", tampere},
		{"Lat: 61.4978 Lon: 23.7610", tampere},
		{"61.4978, 23.7610 (WGS84)", tampere},
		{"WGS 84: 61.4978, 23.7610", tampere},
		{"Eteläpuisto 61.4978, 23.7610", tampere},
		{"23.7610, 61.4978", tampere}, // swapped: no place in Finland can be meant by it as it stands
		{"23.7610 N 61.4978 E", tampere},
		{"geo:61.4978,23.7610", tampere},

		{`61°29'52"N 23°45'40"E`, seconds},
		{"61°29′52″N, 023°45′40″E", seconds},
		{`N 61° 29' 52" E 23° 45' 40"`, seconds},
		{`61° 29' 52" 23° 45' 40"`, seconds},
		{"61°29’52’’P 23°45’40’’I", seconds},
		{"61 29 52 N 23 45 40 E", seconds},
		{"61 29 52, 23 45 40", seconds},
		{`61°29'52,0"N 23°45'40,0"E`, seconds},
		{"61°29,8667'N 23°45,6667'E", Point{61.497778, 23.761112}},
		{"61° 29.8667', 23° 45.6667'", Point{61.497778, 23.761112}},

		{"N 6822000 E 327000", grid},
		{"6822000, 327000", grid},
		{"6822000,327000", grid},
		{"327000, 6822000", grid},
		{"E 327000 N 6822000", grid},
		{"6 822 000, 327 000", grid},
		{"N 6 822 000 E 327 000", grid},
		{"6822000,00 327000,00", grid},
		{"6822000.00,327000.00", grid},
		{"N=6822000, E=327000", grid},
		{"N: 6822000 m, E: 327000 m (ETRS-TM35FIN)", grid},
		{"N 6822000, E 327000 (ETRS-TM35FIN)", grid},
		{"EPSG:3067 6822000 327000", grid},

		{"https://asiointi.maanmittauslaitos.fi/karttapaikka/?lang=fi&share=customMarker&n=6822000&e=327000&title=Puisto&zoom=10&layers=W3siaWQiOjIsIm9wYWNpdHkiOjEwMH1d-z", grid},
		{"asiointi.maanmittauslaitos.fi/karttapaikka/?n=6822000.00&e=327000.00", grid},
		{"https://kartta.paikkatietoikkuna.fi/?zoomLevel=10&coord=327000_6822000&mapLayers=801+100+default", grid},
		{"https://www.google.com/maps/@61.4978,23.7610,15z", tampere},
		{"https://www.google.com/maps/dir//61.4978,23.7610/@61.1,23.1,15z", tampere},
		{"https://wego.here.com/?map=61.4978,23.7610,15", tampere},
		{"https://www.google.com/maps/@61.4978,23.7610,15z?entry=ttu", tampere},
		{"https://www.google.fi/maps/place/Etel%C3%A4puisto/@61.1,23.1,17z/data=!3m1!4b1!4m6!3m5!1s0x468:0x1!8m2!3d61.4978!4d23.7610!16s", tampere},
		{"https://maps.google.com/?q=61.4978,23.7610", tampere},
		{"https://www.google.com/maps/search/?api=1&query=61.4978%2C23.7610", tampere},
		{"https://www.google.com/maps/place/61%C2%B029'52.1%22N+23%C2%B045'39.6%22E/@61.4978,23.7610,17z", tampere},
		{"https://www.google.com/maps/search/61.4978,+23.7610?entry=tts", tampere},
		{"https://www.openstreetmap.org/#map=15/61.4978/23.7610", tampere},
		{"https://www.openstreetmap.org/?mlat=61.4978&mlon=23.7610#map=15/61.1/23.1", tampere},
		{"Tavataan täällä: https://maps.apple.com/?ll=61.4978,23.7610&q=Puisto", tampere},

		{"60.1000, 19.9500", Point{60.1, 19.95}}, // Mariehamn
		{"59.20, 20.60", Point{59.20, 20.60}},    // the economic zone, south of Åland
	} {
		if p, fault := Parse(tt.text); p != tt.want || fault != "" {
			t.Errorf("Parse(%q) = %v, %q; want %v", tt.text, p, fault, tt.want)
		}
	}
}

func TestParseFaults(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Fault
	}{
		{"", Unreadable},
		{"kentän laidalla", Unreadable},
		{"Kirkkokatu 5", Unreadable},
		{"Kirkkokatu 5, 33210 Tampere", Unreadable},
		{"Kirkkokatu 5 B 12", Unreadable},
		{"1 2 3", Unreadable},
		{"61 75 52 N 23 45 40 E", Unreadable}, // 75 minutes
		{"61.5 29 52 23 45 40", Unreadable},
		{"61.4978, 23.7610, 61.4978, 23.7610", Unreadable},
		{"61°29'52\" 23°45'40\" 12°", Unreadable},
		{"12, 33200", Unreadable},
		{strings.Repeat("9", 400) + " 1", Unreadable},
		{"61.4978, 23.7610" + strings.Repeat(" ", maxText), Unreadable},

		{"61.4978", Half},
		{"N 61,4978", Half},
		{"61,23", Half},
		{`61°29'52"N`, Half},
		{"6822000", Half},

		{"59.3293, 18.0686", Outside},    // Stockholm
		{"59.4370, 24.7536", Outside},    // Tallinn
		{"59.9386, 30.3141", Outside},    // Saint Petersburg
		{"65.5848, 22.1547", Outside},    // Luleå
		{"69.7271, 30.0450", Outside},    // Kirkenes
		{"-61.4978, 23.7610", Outside},   // the Antarctic
		{"61.4978 N 23.7610 W", Outside}, // the Atlantic
		{"0, 0", Outside},
		{"N 6580000 E 372000", Outside},
		{"https://www.google.com/maps/@48.8566,2.3522,15z", Outside},

		{"6825000, 3327000", OtherGrid}, // YKJ
		{"3327000 6825000", OtherGrid},
		{"N 6822000 E 24487000", OtherGrid}, // ETRS-GK24

		{"https://maps.app.goo.gl/aBcD1234", NoPlace},
		{"Eteläpuisto https://maps.app.goo.gl/aBcD1234", NoPlace},
		{"https://osm.org/go/0xPKo", NoPlace},
		{"https://asiointi.maanmittauslaitos.fi/karttapaikka/?lang=fi", NoPlace},
		{"www.tampere.fi", NoPlace},
	} {
		if p, fault := Parse(tt.text); fault != tt.want || p != (Point{}) {
			t.Errorf("Parse(%q) = %v, %q; want %q", tt.text, p, fault, tt.want)
		}
	}
}

// TestGrid: the first is the worked example of JHS 197, annex 3, the others are
// what PROJ 9.1 makes of them (cs2cs EPSG:4258 EPSG:3067).
func TestGrid(t *testing.T) {
	for _, tt := range []struct {
		p           Point
		north, east float64
	}{
		{Point{60.3851068722, 19.84813676944}, 6715706.37708, 106256.35961},
		{Point{61.4978, 23.7610}, 6822520.3170, 327614.1613},
		{Point{69.90813, 27.02882}, 7755628.3462, 501104.9370},
		{Point{62.9, 31.55}, 6982622.8919, 731114.8474},
		{Point{60.1699, 24.9384}, 6672118.3802, 385611.3167},
	} {
		n, e := toGrid(tt.p)
		if math.Abs(n-tt.north) > 0.0001 || math.Abs(e-tt.east) > 0.0001 {
			t.Errorf("%v is at N %.5f, E %.5f; want N %.5f, E %.5f", tt.p, n, e, tt.north, tt.east)
		}
		back := fromGrid(tt.north, tt.east)
		if math.Abs(back.Lat-tt.p.Lat) > 1e-8 || math.Abs(back.Lon-tt.p.Lon) > 1e-8 {
			t.Errorf("N %.5f, E %.5f is at %v; want %v", tt.north, tt.east, back, tt.p)
		}
	}
}

func TestGridAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPoint(t)
		n, e := toGrid(p)
		if back := fromGrid(n, e); math.Abs(back.Lat-p.Lat) > 1e-9 || math.Abs(back.Lon-p.Lon) > 1e-9 {
			t.Fatalf("%v came back as %v", p, back)
		}
	})
}

// TestWrittenIsRead: each way in which the hub writes a place, it reads.
func TestWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPoint(t)
		if got, fault := Parse(p.String()); got != p || fault != "" {
			t.Fatalf("%q read as %v, %q", p, got, fault)
		}
		for _, text := range []string{p.Grid(), p.MapURL("fi")} {
			got, fault := Parse(text)
			if fault == Outside {
				continue // rounded over the edge
			}
			if math.Abs(got.Lat-p.Lat) > 1e-5 || math.Abs(got.Lon-p.Lon) > 2e-5 {
				t.Fatalf("%q of %v read as %v, %q", text, p, got, fault)
			}
		}
	})
}

func drawPoint(t *rapid.T) Point {
	for {
		p := Point{
			float64(rapid.IntRange(58_600_000, 70_300_000).Draw(t, "lat")) / 1e6,
			float64(rapid.IntRange(18_800_000, 32_000_000).Draw(t, "lon")) / 1e6,
		}
		if p.InFinland() {
			return p
		}
	}
}

// TestInFinland: the ends of the country are in it, the towns across are not.
func TestInFinland(t *testing.T) {
	for _, tt := range []struct {
		name string
		p    Point
		want bool
	}{
		{"Nuorgam, the north", Point{70.0922, 27.9553}, true},
		{"Virmajärvi, the east", Point{62.9090, 31.5871}, true},
		{"Märket, the west", Point{60.3010, 19.1311}, true},
		{"Bogskär, the south", Point{59.5047, 20.3542}, true},
		{"the meeting of three zones at sea", Point{58.7801, 20.4750}, true},
		{"the three countries' cairn", Point{69.0600, 20.5487}, true},
		{"Halti", Point{69.3248, 21.2658}, true},
		{"Muotkavaara", Point{69.0526, 28.9286}, true},
		{"Korvatunturi", Point{68.0736, 29.3158}, true},
		{"Tornio", Point{65.8481, 24.1466}, true},
		{"Vaalimaa", Point{60.5908, 27.8533}, true},
		{"Niirala", Point{62.1722, 30.6700}, true},
		{"Valsörarna", Point{63.4390, 21.0690}, true},
		{"Kalbådagrund", Point{59.9856, 25.5992}, true},
		{"Tallinn", Point{59.4370, 24.7536}, false},
		{"Umeå", Point{63.8258, 20.2630}, false},
		{"Kiruna", Point{67.8558, 20.2253}, false},
		{"Alta", Point{69.9689, 23.2716}, false},
		{"Vyborg", Point{60.7096, 28.7491}, false},
		{"Petrozavodsk", Point{61.7891, 34.3597}, false},
		{"Grisslehamn", Point{60.0990, 18.8110}, false},
	} {
		if got := tt.p.InFinland(); got != tt.want {
			t.Errorf("%s (%v): in Finland %t, want %t", tt.name, tt.p, got, tt.want)
		}
	}
}

func TestMapURL(t *testing.T) {
	u, err := url.Parse(Point{61.4978, 23.7610}.MapURL("sv"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := u.Scheme+"://"+u.Host+u.Path, "https://asiointi.maanmittauslaitos.fi/karttapaikka/"; got != want {
		t.Errorf("the map service is at %s, want %s", got, want)
	}
	if got, want := u.Query().Encode(), "e=327614&lang=sv&n=6822520&share=customMarker&zoom=10"; got != want {
		t.Errorf("the place is asked by %s, want %s", got, want)
	}
	if got, want := MapURL("en"), "https://asiointi.maanmittauslaitos.fi/karttapaikka/?lang=en"; got != want {
		t.Errorf("the whole country is at %s, want %s", got, want)
	}
}

// FuzzParse: whatever is typed is a place in Finland that reads back as itself,
// or has a fault.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"61.4978, 23.7610", "61,4978 23,7610", `61°29'52"N 23°45'40"E`, "N 6 822 000 E 327 000", "3327000 6825000", "-0 -0", "° ' \"",
		"https://www.google.com/maps/@61.4978,23.7610,15z", "geo:1,2", "x.fi/?n=.&e=.", "%zz www.%", "lat lon lat lon", "9e9 1e1", "\xff61 23",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, fault := Parse(text)
		if (fault == "") != p.InFinland() {
			t.Fatalf("%q: %v, %q", text, p, fault)
		}
		if fault != "" {
			return
		}
		if again, fault := Parse(p.String()); fault != "" || again != p {
			t.Fatalf("%q is %v, and that is %v, %q", text, p, again, fault)
		}
	})
}
