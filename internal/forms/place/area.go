package place

// finland goes around Finland with its sea areas, Åland among them, at a
// distance: ten kilometres and more outside the border on land and outside the
// limit of the economic zone at sea. Better to take a place beyond the border,
// which an officer sees on the map, than to refuse one on this side of it.
var finland = []Point{
	// The border with Russia, from the Gulf of Finland to the north.
	{59.90, 27.20},
	{60.35, 28.15},
	{60.65, 28.55},
	{60.95, 29.15},
	{61.20, 29.65},
	{61.75, 30.55},
	{62.20, 31.15},
	{62.75, 31.85},
	{62.95, 31.95},
	{63.30, 31.65},
	{63.80, 30.75},
	{64.25, 30.85},
	{64.80, 30.35},
	{65.10, 30.15},
	{65.65, 30.50},
	{66.20, 30.35},
	{66.85, 29.55},
	{67.25, 30.05},
	{67.70, 30.45},
	{68.15, 29.90},
	{68.55, 29.05},
	{68.90, 29.20},
	{69.20, 29.45},
	{69.45, 29.70},
	// Norway.
	{69.75, 29.65},
	{70.05, 28.60},
	{70.25, 27.90},
	{70.00, 26.35},
	{69.60, 25.45},
	{69.05, 25.30},
	{68.95, 24.20},
	{68.95, 23.60},
	{69.30, 22.15},
	{69.55, 21.30},
	{69.30, 20.60},
	{69.05, 20.15},
	// Sweden, down the rivers, the Gulf of Bothnia and the Sea of Åland.
	{68.80, 20.70},
	{68.35, 21.75},
	{68.10, 22.70},
	{67.80, 23.10},
	{67.25, 23.25},
	{66.40, 23.30},
	{65.90, 23.75},
	{65.50, 23.75},
	{64.90, 22.65},
	{63.75, 20.50},
	{63.35, 19.95},
	{62.70, 19.35},
	{61.70, 19.15},
	{60.70, 18.85},
	{60.15, 18.80},
	{59.70, 19.20},
	{59.20, 19.80},
	// Estonia, along the middle of the Gulf of Finland.
	{58.65, 20.40},
	{58.85, 21.30},
	{59.20, 22.20},
	{59.48, 23.60},
	{59.60, 24.60},
	{59.72, 25.50},
	{59.80, 26.40},
}

// InFinland reports whether the point is in Finland or its sea areas, or not
// far outside them.
func (p Point) InFinland() bool {
	inside := false
	for i, a := range finland {
		b := finland[(i+1)%len(finland)]
		if (a.Lat > p.Lat) != (b.Lat > p.Lat) && p.Lon < a.Lon+(p.Lat-a.Lat)/(b.Lat-a.Lat)*(b.Lon-a.Lon) {
			inside = !inside
		}
	}
	return inside
}
