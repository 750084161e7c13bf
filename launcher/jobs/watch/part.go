package watch

import "encoding/json"

// Part is what a rank's Result says that those who watch a job show: of a ranks.Result and of a folder.Result, by the names there.
type Part struct {
	Transport     string             `json:"transport"`
	Tiles         int64              `json:"tiles"`
	TilesRestored int64              `json:"tiles_restored"`
	BytesSent     int64              `json:"bytes_sent"`
	BytesReceived int64              `json:"bytes_received"`
	Seconds       map[string]float64 `json:"seconds"` // by step
	CPUSeconds    float64            `json:"cpu_seconds"`
	ResidentBytes int64              `json:"resident_bytes"`
	Epoch         uint32             `json:"epoch"`
	Pictures      int64              `json:"pictures"`
	All           int64              `json:"all"` // rows of all stages
	Planned       int64              `json:"planned"`
	Computed      int64              `json:"computed"`
	Left          int64              `json:"left"` // when the epoch began, for all ranks
	Since         int64              `json:"since"`
}

// Part returns what the rank has said. A rank that has said nothing yet has done nothing.
func (r *Rank) Part() (p Part) {
	_ = json.Unmarshal(r.Result, &p)
	return p
}
