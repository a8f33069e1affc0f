package sqsserver

import (
	"encoding/base64"
	"sort"
	"strings"
)

// maxPage is the largest number of queues on a page of a listing, and the default.
const maxPage = 1000

// A page holds the paging parameters of a request.
type page struct {
	Max   *int   `json:"MaxResults"`
	Token string `json:"NextToken"` // from the answer with the page before
}

type listQueuesInput struct {
	Prefix string `json:"QueueNamePrefix"`
	page
}

type listQueuesOutput struct {
	URLs []string `json:"QueueUrls,omitempty"`
	Next string   `json:"NextToken,omitempty"`
}

func (c *call) listQueues(in *listQueuesInput) (*listQueuesOutput, error) {
	urls, next, err := c.listPage(in.page, func(q *queue) bool {
		return q.region == c.region && strings.HasPrefix(q.name, in.Prefix)
	})
	if err != nil {
		return nil, err
	}
	return &listQueuesOutput{urls, next}, nil
}

type listSourcesInput struct {
	queueInput
	page
}

type listSourcesOutput struct {
	URLs []string `json:"queueUrls"`
	Next string   `json:"NextToken,omitempty"`
}

func (c *call) listDeadLetterSourceQueues(in *listSourcesInput) (*listSourcesOutput, error) {
	target, now, err := c.open(in.URL)
	if err != nil {
		return nil, err
	}
	target.release(now)
	sources := map[*queue]bool{}
	for _, q := range c.list(nil) {
		sources[q] = q.feeds(target)
	}
	urls, next, err := c.listPage(in.page, func(q *queue) bool { return sources[q] })
	if err != nil {
		return nil, err
	}
	return &listSourcesOutput{urls, next}, nil
}

// feeds reports whether the other queue is the dead-letter queue of this one.
func (q *queue) feeds(other *queue) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.settings.redrive != nil && q.settings.redrive.to == queueKey{other.region, other.name}
}

// listPage returns the URLs of one page of the queues that match, sorted by name, and the token of
// the next page.
func (c *call) listPage(p page, match func(*queue) bool) (urls []string, next string, err error) {
	most := orDefault(p.Max, maxPage)
	if most < 1 || most > maxPage {
		return nil, "", invalid(most, "MaxResults", "MaxResults must be an integer between 1 and 1000, if provided")
	}
	last, err := base64.StdEncoding.DecodeString(p.Token)
	if err != nil {
		return nil, "", invalidParameter.because("Invalid or expired next token.")
	}
	var names []string
	for _, q := range c.list(match) {
		if p.Token == "" || q.name > string(last) {
			names = append(names, q.name)
		}
	}
	sort.Strings(names)
	if len(names) > most {
		names = names[:most]
		if p.Max != nil { // as in AWS, a request without MaxResults gets no token
			next = base64.StdEncoding.EncodeToString([]byte(names[most-1]))
		}
	}
	urls = make([]string, len(names))
	for i, name := range names {
		urls[i] = c.url(name)
	}
	return urls, next, nil
}
