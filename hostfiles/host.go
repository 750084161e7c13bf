package hostfiles

import "fmt"

// Host is a host and the ranks it takes.
type Host struct {
	Name     string `json:"host"`      // what ssh is to be told; an IPv6 address without brackets
	User     string `json:"user"`      // "": ssh's own choice
	Port     int    `json:"port"`      // 0: ssh's own choice
	Slots    int    `json:"slots"`     // how many ranks it takes
	MaxSlots int    `json:"max_slots"` // how many it takes at most; 0: no limit
	Origin   string `json:"origin"`    // where it was first named: "hosts.txt:3" or "--host"
}

// String returns user@name.
func (h Host) String() string {
	if h.User == "" {
		return h.Name
	}
	return h.User + "@" + h.Name
}

// Slots returns the sum of the hosts' slots.
func Slots(hosts []Host) int {
	n := 0
	for _, h := range hosts {
		n += h.Slots
	}
	return n
}

// collection merges hosts that are named more than once.
type collection struct {
	hosts []Host
	index map[string]int // in hosts, by name
}

// add adds hosts that differ in nothing but their names.
func (c *collection) add(names []string, like Host) error {
	if c.index == nil {
		c.index = make(map[string]int)
	}
	for _, name := range names {
		i, known := c.index[name]
		if !known {
			if len(c.hosts) == maxHosts {
				return fmt.Errorf("more than %d hosts", maxHosts)
			}
			h := like
			h.Name = name
			c.index[name] = len(c.hosts)
			c.hosts = append(c.hosts, h)
			continue
		}
		h := &c.hosts[i]
		switch {
		case h.User != like.User:
			return fmt.Errorf("host %s was named in %s with another user", name, h.Origin)
		case h.Port != like.Port:
			return fmt.Errorf("host %s was named in %s with another port", name, h.Origin)
		case h.MaxSlots != like.MaxSlots && like.MaxSlots != 0 && h.MaxSlots != 0:
			return fmt.Errorf("host %s was named in %s with another max_slots", name, h.Origin)
		}
		h.Slots += like.Slots
		h.MaxSlots = max(h.MaxSlots, like.MaxSlots)
		switch {
		case h.Slots > maxSlots:
			return fmt.Errorf("host %s has more than %d slots, with those in %s", name, maxSlots, h.Origin)
		case h.MaxSlots > 0 && h.Slots > h.MaxSlots:
			return fmt.Errorf("host %s has %d slots, with those in %s, and max_slots=%d", name, h.Slots, h.Origin, h.MaxSlots)
		}
	}
	return nil
}
