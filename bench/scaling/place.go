package scaling

// Count fills in what follows from where each rank is, by the index of its host.
func (p *Place) Count(placement []int, hosts []Host, threads int) {
	on := make([]int, len(hosts))
	for _, h := range placement {
		on[h]++
	}
	for h, n := range on {
		if n == 0 {
			continue
		}
		p.Hosts++
		p.Fullest = max(p.Fullest, n)
		p.Cores += min(n*threads, hosts[h].Cores)
		p.Oversubscribed = p.Oversubscribed || n*threads > hosts[h].Cores
	}
}
