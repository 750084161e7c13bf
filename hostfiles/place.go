package hostfiles

import "fmt"

// MapBy says in which order ranks are dealt to hosts.
type MapBy string

const (
	BySlot MapBy = "slot" // host after host
	ByNode MapBy = "node" // one to each host in turn
)

// ParseMapBy reads slot or node.
func ParseMapBy(s string) (MapBy, error) {
	switch m := MapBy(s); m {
	case BySlot, ByNode:
		return m, nil
	}
	return "", fmt.Errorf("--map-by %q: there are slot and node", s)
}

// Place returns for each rank the index of its host. n == 0 means as many ranks as there are slots. More ranks than slots need
// oversubscribe; then the slots are filled first, and the others are dealt out in turn to hosts that have room below their
// MaxSlots.
func Place(hosts []Host, n int, by MapBy, oversubscribe bool) ([]int, error) {
	slots := Slots(hosts)
	if n == 0 {
		n = slots
	}
	if n > slots && !oversubscribe {
		plural := "s"
		if len(hosts) == 1 {
			plural = ""
		}
		return nil, fmt.Errorf("-n %d: there are %d slots on %d host%s; give --oversubscribe, or more slots", n, slots, len(hosts), plural)
	}
	ranks, err := share(hosts, n, by)
	if err != nil {
		return nil, err
	}
	placement := make([]int, 0, n)
	if by == BySlot {
		for h, count := range ranks {
			for range count {
				placement = append(placement, h)
			}
		}
		return placement, nil
	}
	for round := 0; len(placement) < n; round++ {
		for h, count := range ranks {
			if round < count {
				placement = append(placement, h)
			}
		}
	}
	return placement, nil
}

// share says how many of n ranks each host gets.
func share(hosts []Host, n int, by MapBy) ([]int, error) {
	ranks := make([]int, len(hosts))
	left := n
	if by == BySlot {
		for h := range hosts {
			ranks[h] = min(left, hosts[h].Slots)
			left -= ranks[h]
		}
	}
	// One each in turn: within the slots, then beyond them.
	for _, room := range []func(Host) int{
		func(h Host) int { return h.Slots },
		func(h Host) int {
			if h.MaxSlots == 0 {
				return n
			}
			return h.MaxSlots
		},
	} {
		for progress := true; progress && left > 0; {
			progress = false
			for h := range hosts {
				if left > 0 && ranks[h] < room(hosts[h]) {
					ranks[h]++
					left--
					progress = true
				}
			}
		}
	}
	if left > 0 {
		return nil, fmt.Errorf("-n %d: max_slots allows %d ranks on %d hosts", n, n-left, len(hosts))
	}
	return ranks, nil
}
