package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"

	"halorun/launcher/jobs/watch"
)

// mongoStore is a Store in MongoDB. It needs no transactions: entries come before the attempt that counts them, and may come twice.
type mongoStore struct {
	client            *mongo.Client
	attempts, entries *mongo.Collection
}

// mongoAttempt is a document of the collection halorun_attempts.
type mongoAttempt struct {
	Run        string    `bson:"_id,omitempty"` // the filter of an update has it
	Job        string    `bson:"job"`
	State      string    `bson:"state"`
	Begun      time.Time `bson:"begun"`
	Ended      time.Time `bson:"ended"`
	Seen       time.Time `bson:"seen"`
	User       string    `bson:"user"`
	Machine    string    `bson:"machine"`
	PID        int       `bson:"pid"`
	Version    string    `bson:"version"`
	Command    []string  `bson:"command"`
	Dir        string    `bson:"dir"`
	Input      string    `bson:"input"`
	Output     string    `bson:"output"`
	Ops        []string  `bson:"ops"`
	Ranks      int       `bson:"ranks"`
	Hosts      []string  `bson:"hosts"`
	Width      int       `bson:"width"`
	Height     int       `bson:"height"`
	Channels   int       `bson:"channels"`
	ExitStatus int       `bson:"exit_status"`
	Error      string    `bson:"error"`
	Events     int       `bson:"events"`
	Entries    int64     `bson:"entries"`
	Dropped    int64     `bson:"dropped"`
	Bytes      int64     `bson:"bytes"`
	Report     string    `bson:"report,omitempty"`
	Searched   string    `bson:"searched"`
}

// mongoEntry is a document of the collection halorun_entries.
type mongoEntry struct {
	ID     string    `bson:"_id"` // of run and number
	Run    string    `bson:"run"`
	Seq    int64     `bson:"seq"`
	Time   time.Time `bson:"time"`
	Kind   string    `bson:"kind"`
	Level  int       `bson:"level"`
	Rank   *int      `bson:"rank"`
	Host   string    `bson:"host"`
	Stream string    `bson:"stream"`
	Text   string    `bson:"text"`
}

func openMongo(ctx context.Context, uri string) (Store, error) {
	parsed, err := connstring.ParseAndValidate(uri)
	if err != nil {
		return nil, err
	}
	name := parsed.Database
	if name == "" {
		name = "halorun"
	}
	o := options.Client().ApplyURI(uri)
	if parsed.AppName == "" {
		o.SetAppName("halorun")
	}
	if !parsed.ServerSelectionTimeoutSet {
		o.SetServerSelectionTimeout(connectTime)
	}
	return newMongo(ctx, o, name)
}

func newMongo(ctx context.Context, o *options.ClientOptions, name string) (Store, error) {
	client, err := mongo.Connect(o)
	if err != nil {
		return nil, err
	}
	db := client.Database(name)
	s := &mongoStore{client, db.Collection("halorun_attempts"), db.Collection("halorun_entries")}
	if err := s.prepare(ctx, db.Collection("halorun_schema")); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// prepare makes the indexes, if that has not been done. Who else does so at the same time does the same.
func (s *mongoStore) prepare(ctx context.Context, versions *mongo.Collection) error {
	var found struct {
		Version int `bson:"version"`
	}
	err := versions.FindOne(ctx, bson.D{{Key: "_id", Value: "schema"}}).Decode(&found)
	switch {
	case err == nil && found.Version > schema:
		return errNewer(found.Version)
	case err == nil || !errors.Is(err, mongo.ErrNoDocuments):
		return err
	}
	index := func(keys ...string) mongo.IndexModel {
		var d bson.D
		for _, k := range keys {
			d = append(d, bson.E{Key: k, Value: 1})
		}
		return mongo.IndexModel{Keys: d}
	}
	if _, err := s.attempts.Indexes().CreateMany(ctx, []mongo.IndexModel{index("job", "begun"), index("begun", "_id")}); err != nil {
		return err
	}
	if _, err := s.entries.Indexes().CreateMany(ctx, []mongo.IndexModel{index("run", "seq")}); err != nil {
		return err
	}
	_, err = versions.InsertOne(ctx, bson.D{{Key: "_id", Value: "schema"}, {Key: "version", Value: schema}})
	return unlessThere(err)
}

// unlessThere takes it for no error that documents are there already.
func unlessThere(err error) error {
	var bulk mongo.BulkWriteException
	if errors.As(err, &bulk) && bulk.WriteConcernError == nil {
		for _, e := range bulk.WriteErrors {
			if !mongo.IsDuplicateKeyError(e.WriteError) {
				return err
			}
		}
		return nil
	}
	if mongo.IsDuplicateKeyError(err) {
		return nil
	}
	return err
}

func (s *mongoStore) Add(ctx context.Context, a *Attempt, entries []Entry) error {
	for len(entries) > 0 {
		n := min(len(entries), 1000)
		documents := make([]mongoEntry, n)
		for i, e := range entries[:n] {
			documents[i] = mongoEntry{fmt.Sprintf("%s/%d", a.Run, e.Seq), a.Run, e.Seq, e.Time, e.Kind, int(e.Level), e.Rank, e.Host, e.Stream, e.Text}
		}
		if _, err := s.entries.InsertMany(ctx, documents, options.InsertMany().SetOrdered(false)); unlessThere(err) != nil {
			return err
		}
		entries = entries[n:]
	}
	d := mongoAttempt{
		"", a.Job, a.State, a.Begun, a.Ended, a.Seen, a.User, a.Machine, a.PID, a.Version, a.Command, a.Dir, a.Input, a.Output, a.Ops, a.Ranks,
		a.Hosts, a.Picture.Width, a.Picture.Height, a.Picture.Channels, a.ExitStatus, a.Error, a.Events, a.Entries, a.Dropped, a.Bytes,
		string(a.Report), a.searched(),
	}
	// If more is known of it the filter does not match, and there is a document of that name already.
	_, err := s.attempts.UpdateOne(ctx, bson.D{{Key: "_id", Value: a.Run}, {Key: "entries", Value: bson.D{{Key: "$lte", Value: a.Entries}}}},
		bson.D{{Key: "$set", Value: d}}, options.UpdateOne().SetUpsert(true))
	if err := unlessThere(err); err != nil {
		return err
	}
	return s.supersede(ctx, a.Job)
}

// supersede marks the attempts of a job that are not its latest.
func (s *mongoStore) supersede(ctx context.Context, id string) error {
	var latest mongoAttempt
	job := bson.E{Key: "job", Value: id}
	err := s.attempts.FindOne(ctx, bson.D{job}, options.FindOne().SetSort(latestFirst()).SetProjection(bson.D{{Key: "report", Value: 0}})).Decode(&latest)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil // somebody has removed it
	}
	if err != nil {
		return err
	}
	for _, superseded := range []bool{true, false} {
		which := "$eq"
		if superseded {
			which = "$ne"
		}
		if _, err := s.attempts.UpdateMany(ctx, bson.D{job, {Key: "_id", Value: bson.D{{Key: which, Value: latest.Run}}}},
			bson.D{{Key: "$set", Value: bson.D{{Key: "superseded", Value: superseded}}}}); err != nil {
			return err
		}
	}
	return nil
}

func latestFirst() bson.D { return bson.D{{Key: "begun", Value: -1}, {Key: "_id", Value: -1}} }

func (s *mongoStore) Attempts(ctx context.Context, q Query) ([]*Attempt, error) {
	var all bson.A
	and := func(key string, value any) { all = append(all, bson.D{{Key: key, Value: value}}) }
	if q.Latest {
		and("superseded", false)
	}
	if len(q.IDs) > 0 {
		in := bson.D{{Key: "$in", Value: q.IDs}}
		and("$or", bson.A{bson.D{{Key: "_id", Value: in}}, bson.D{{Key: "job", Value: in}}})
	}
	if len(q.States) > 0 {
		and("state", bson.D{{Key: "$in", Value: q.States}})
	}
	if !q.Since.IsZero() {
		and("begun", bson.D{{Key: "$gte", Value: exact(q.Since)}})
	}
	if !q.Until.IsZero() {
		and("begun", bson.D{{Key: "$lt", Value: exact(q.Until)}})
	}
	if q.Text != "" {
		runs := []string{}
		said := s.entries.Distinct(ctx, "run", bson.D{{Key: "text", Value: bson.Regex{Pattern: regexp.QuoteMeta(q.Text), Options: "i"}}})
		if err := said.Err(); err != nil {
			return nil, err
		}
		if err := said.Decode(&runs); err != nil {
			return nil, err
		}
		and("$or", bson.A{
			bson.D{{Key: "searched", Value: bson.Regex{Pattern: regexp.QuoteMeta(folded(q.Text))}}},
			bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: runs}}}},
		})
	}
	filter := bson.D{}
	if len(all) > 0 {
		filter = bson.D{{Key: "$and", Value: all}}
	}
	o := options.Find().SetSort(latestFirst())
	if q.Limit > 0 {
		o.SetLimit(int64(q.Limit))
	}
	if !q.Reports {
		o.SetProjection(bson.D{{Key: "report", Value: 0}})
	}
	cursor, err := s.attempts.Find(ctx, filter, o)
	if err != nil {
		return nil, err
	}
	var documents []mongoAttempt
	if err := cursor.All(ctx, &documents); err != nil {
		return nil, err
	}
	var attempts []*Attempt
	for _, d := range documents {
		a := &Attempt{
			d.Run, d.Job, d.State, exact(d.Begun), exact(d.Ended), exact(d.Seen), d.User, d.Machine, d.PID, d.Version, d.Command, d.Dir, d.Input,
			d.Output, d.Ops, d.Ranks, d.Hosts, watch.Picture{Width: d.Width, Height: d.Height, Channels: d.Channels}, d.ExitStatus, d.Error,
			d.Events, d.Entries, d.Dropped, d.Bytes, nil,
		}
		if d.Report != "" {
			a.Report = json.RawMessage(d.Report)
		}
		attempts = append(attempts, a)
	}
	return attempts, nil
}

func (s *mongoStore) Entries(ctx context.Context, run string, after int64, limit int) ([]Entry, error) {
	cursor, err := s.entries.Find(ctx, bson.D{{Key: "run", Value: run}, {Key: "seq", Value: bson.D{{Key: "$gt", Value: after}}}},
		options.Find().SetSort(bson.D{{Key: "seq", Value: 1}}).SetLimit(int64(limit)))
	if err != nil {
		return nil, err
	}
	var documents []mongoEntry
	if err := cursor.All(ctx, &documents); err != nil {
		return nil, err
	}
	var all []Entry
	for _, d := range documents {
		all = append(all, Entry{d.Seq, exact(d.Time), d.Kind, slog.Level(d.Level), d.Rank, d.Host, d.Stream, d.Text})
	}
	return all, nil
}

func (s *mongoStore) Bury(ctx context.Context, since time.Time, except []string) error {
	if except == nil {
		except = []string{}
	}
	_, err := s.attempts.UpdateMany(ctx, bson.D{
		{Key: "state", Value: bson.D{{Key: "$in", Value: watch.Alive()}}}, {Key: "seen", Value: bson.D{{Key: "$lt", Value: exact(since)}}},
		{Key: "_id", Value: bson.D{{Key: "$nin", Value: except}}},
	}, bson.D{{Key: "$set", Value: bson.D{{Key: "state", Value: Killed}}}})
	return err
}

func (s *mongoStore) Remove(ctx context.Context, runs []string) error {
	if len(runs) == 0 {
		return nil
	}
	in := bson.D{{Key: "$in", Value: runs}}
	if _, err := s.entries.DeleteMany(ctx, bson.D{{Key: "run", Value: in}}); err != nil {
		return err
	}
	jobs, err := s.jobs(ctx, "_id", runs)
	if err != nil {
		return err
	}
	if _, err := s.attempts.DeleteMany(ctx, bson.D{{Key: "_id", Value: in}}); err != nil || len(jobs) == 0 {
		return err
	}
	if jobs, err = s.jobs(ctx, "job", jobs); err != nil { // those of which something is left
		return err
	}
	for _, job := range jobs {
		if err := s.supersede(ctx, job); err != nil {
			return err
		}
	}
	return nil
}

// jobs returns the jobs of attempts, by one of their keys.
func (s *mongoStore) jobs(ctx context.Context, key string, values []string) (jobs []string, err error) {
	found := s.attempts.Distinct(ctx, "job", bson.D{{Key: key, Value: bson.D{{Key: "$in", Value: values}}}})
	if err := found.Err(); err != nil {
		return nil, err
	}
	return jobs, found.Decode(&jobs)
}

func (s *mongoStore) Size(ctx context.Context) (n int64, err error) {
	all, err := s.Attempts(ctx, Query{})
	for _, a := range all {
		n += a.Bytes
	}
	return n, err
}

func (s *mongoStore) Compact(context.Context) error { return nil } // the server does it

func (s *mongoStore) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return s.client.Disconnect(ctx)
}
