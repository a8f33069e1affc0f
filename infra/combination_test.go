package infra_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Parameters that name a database, as a team has it.
var (
	byPassword = []string{"ContractName=user_logins", "OwnerSecretArn=arn:owner", "DatabaseSecretArn=arn:writer"}
	ownQueue   = append([]string{"ExistingQueueArn=arn:aws:sqs:eu-west-1:210987654321:events", "ExistingDeadLetterQueueArn=arn:aws:sqs:eu-west-1:210987654321:events-dead"}, byPassword...)
	byIAM      = []string{"ContractName=user_logins", "OwnerSecretArn=arn:owner", "DatabaseResourceId=prx-1", "DatabaseHost=proxy", "DatabaseName=logins", "OwnerHost=instance"}
	inVPC      = append([]string{"SubnetIds=subnet-1,subnet-2", "SecurityGroupIds=sg-1"}, byPassword...)
	created    = []string{"ContractName=user_logins", "CreateDatabase=true"}
)

func with(parameters []string, more ...string) []string {
	return append(append([]string{}, parameters...), more...)
}

func TestRulesNameWhatIsHalfGiven(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		parameters []string
		want       string // part of the one description; empty: none
	}{
		"by password":                    {byPassword, ""},
		"by IAM":                         {byIAM, ""},
		"in a VPC":                       {inVPC, ""},
		"a created database":             {created, ""},
		"no database":                    {[]string{"DatabaseSecretArn=arn:writer"}, "No database: "},
		"no way to sign in":              {[]string{"OwnerSecretArn=arn:owner"}, "cannot sign in"},
		"two ways to sign in":            {with(byIAM, "DatabaseSecretArn=arn:writer"), "both set: keep one"},
		"IAM without a host":             {with(byIAM, "DatabaseHost="), "needs a host and a database"},
		"IAM without a database":         {with(byIAM, "DatabaseName="), "needs a host and a database"},
		"subnets without groups":         {with(byPassword, "SubnetIds=subnet-1"), "Only one of SubnetIds and SecurityGroupIds"},
		"groups without subnets":         {with(byPassword, "SecurityGroupIds=sg-1,sg-2"), "Only one of SubnetIds and SecurityGroupIds"},
		"one poller":                     {with(byPassword, "MaximumPollers=1"), "MaximumPollers is 1"},
		"a created and another database": {with(created, "DatabaseSecretArn=arn:writer"), "CreateDatabase=true makes database and network"},
		"a queue of yours":               {ownQueue, ""},
		"a queue without dead letters":   {with(ownQueue, "ExistingDeadLetterQueueArn="), "ExistingQueueArn and ExistingDeadLetterQueueArn belong together"},
		"dead letters without a queue":   {with(ownQueue, "ExistingQueueArn="), "ExistingQueueArn and ExistingDeadLetterQueueArn belong together"},
		"a key without a queue":          {with(byPassword, "ExistingQueueKeyArn=arn:key"), "ExistingQueueArn and ExistingDeadLetterQueueArn belong together"},
		"producers of a queue of yours":  {with(ownQueue, "TopicArns=arn:topic"), "let producers send in it"},
		"no vault":                       {with(byPassword, "Vault=none"), ""},
		"no vault, and a key":            {with(byPassword, "Vault=none", ownVaultKey), "Vault=none has no key"},
		"no vault, and a retention":      {with(byPassword, "Vault=none", "VaultRetentionDays=90"), "Vault=none has no key"},
		"a key elsewhere":                {with(byPassword, ownVaultPublic), ""},
		"a created and another network":  {with(created, "SubnetIds=subnet-1", "SecurityGroupIds=sg-1"), "CreateDatabase=true makes database and network"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &stack{template: load(t, template), parameters: deployed(t, template, byPassword...).parameters}
			for _, p := range []string{"OwnerSecretArn", "DatabaseSecretArn"} {
				s.parameters[p] = ""
			}
			for _, p := range test.parameters {
				key, value, _ := strings.Cut(p, "=")
				s.parameters[key] = value
			}
			broken := s.brokenRules(t)
			if test.want == "" && broken != nil || test.want != "" && (len(broken) != 1 || !strings.Contains(broken[0], test.want)) {
				t.Errorf("refused because of %q, want %q", broken, test.want)
			}
		})
	}
}

// A function can postpone messages only where it reaches SQS, and outside of a VPC it does.
func TestBackoffIsOnWhereTheQueueIsReachable(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		parameters []string
		on         bool
	}{
		"outside of a VPC":                {byPassword, true},
		"outside, turned off":             {with(byPassword, "Backoff=false"), false},
		"in a VPC":                        {inVPC, false},
		"in a VPC that has a route":       {with(inVPC, "Backoff=true"), true},
		"in the created network":          {created, false},
		"in the created network, with it": {with(created, "Backoff=true"), true},
	} {
		resources := deployed(t, template, test.parameters...).resources(t)
		variables := at(t, resources["IngestFunction"], "Environment", "Variables").(object)
		allowed := false
		for _, s := range statements(t, resources["IngestRole"]["Policies"]) {
			allowed = allowed || slices.Contains(actionsOf(t, s), "sqs:ChangeMessageVisibility")
		}
		if set := variables["QUEUE_URL"] != ""; set != test.on || allowed != test.on {
			t.Errorf("%s: QUEUE_URL set %t, right %t, want %t", name, set, allowed, test.on)
		}
		if database := resources["Database"]; database != nil {
			endpoint := deployed(t, "database.yaml", "QueueEndpoint="+at(t, database, "Parameters", "QueueEndpoint").(string)).resources(t)["SQSEndpoint"]
			if (endpoint != nil) != test.on {
				t.Errorf("%s: endpoint %v", name, endpoint)
			}
		}
		equal(t, name+": receives", any("10"), at(t, resources["Queue"], "RedrivePolicy", "maxReceiveCount"))
	}
}

// The owner does not sign in to a proxy that lets only the writer in.
func TestOwnerHasAHostOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		parameters    []string
		writer, owner any
	}{
		"the same":   {with(byPassword, "DatabaseHost=db"), "db", "db"},
		"behind one": {byIAM, "proxy", "instance"},
		"created":    {created, object{"GetAtt": "Database.Outputs.ProxyHost"}, object{"GetAtt": "Database.Outputs.InstanceHost"}},
	} {
		resources := deployed(t, template, test.parameters...).resources(t)
		host := func(function string) any {
			return at(t, resources[function], "Environment", "Variables", "DATABASE_HOST")
		}
		if diff := cmp.Diff([]any{test.writer, test.owner}, []any{host("IngestFunction"), host("MaintainFunction")}); diff != "" {
			t.Errorf("%s: hosts of ingest and maintain (-want +got):\n%s", name, diff)
		}
	}
}

// A letter can be moved back to the one queue only, and the other way round.
func TestOnlyTheQueueUsesItsDeadLetterQueue(t *testing.T) {
	t.Parallel()
	for fifo, arn := range map[string]string{"false": "arn:aws:sqs:eu-west-1:123456789012:sqs2pg", "true": "arn:aws:sqs:eu-west-1:123456789012:sqs2pg.fifo"} {
		resources := deployed(t, template, with(byPassword, "FifoQueue="+fifo)...).resources(t)
		equal(t, "allowed", any(object{"redrivePermission": "byQueue", "sourceQueueArns": []any{arn}}), resources["DeadLetterQueue"]["RedriveAllowPolicy"])
		if !strings.HasSuffix(arn, ":"+resources["Queue"]["QueueName"].(string)) {
			t.Errorf("the queue is %s, and %s may have dead letters", resources["Queue"]["QueueName"], arn)
		}
	}
}

func TestReplacedQueuesAreKept(t *testing.T) {
	t.Parallel()
	for _, queue := range []string{"Queue", "DeadLetterQueue"} {
		equal(t, queue, any("Retain"), at(t, load(t, template), "Resources", queue, "UpdateReplacePolicy"))
	}
}

// CloudFormation makes a new value when anything inside of GenerateSecretString changes. New tokens
// would match no old token, so this block never changes.
func TestKeyringIsNeverMadeAnew(t *testing.T) {
	t.Parallel()
	keyring := at(t, load(t, template), "Resources", "Keyring").(object)
	want := object{"SecretStringTemplate": `{"current": "k1"}`, "GenerateStringKey": "k1", "PasswordLength": 64, "ExcludePunctuation": true}
	equal(t, "keyring", any(want), at(t, keyring, "Properties", "GenerateSecretString"))
	equal(t, "replaced", any("Retain"), keyring["UpdateReplacePolicy"])
	equal(t, "deleted", any("RetainExceptOnCreate"), keyring["DeletionPolicy"])
}

// The schedule may be any that runs more than once a week: an alarm looks back a week at most.
func TestAlarmsFitEverySchedule(t *testing.T) {
	t.Parallel()
	alarm := properties(t, load(t, template), "MaintainMissingAlarm")
	equal(t, "looks back", any(7*24*3600), any(alarm["Period"].(int)*alarm["EvaluationPeriods"].(int)))
	for expression, allowed := range map[string]bool{
		"rate(1 minute)": true, "rate(6 hours)": true, "rate(1 day)": true, "rate(6 days)": true, "cron(0 3 ? * SUN *)": true,
		"rate(7 days)": false, "rate(30 days)": false, "rate(0 hours)": false, "rate(6)": false, "at(2026-01-01T00:00:00)": false, "6 hours": false,
	} {
		if got := matches(t, "MaintainSchedule", expression); got != allowed {
			t.Errorf("%s: allowed %t, want %t", expression, got, allowed)
		}
	}
}

func TestScheduleIsNobodyElsesAndItsMissedRunsAreSeen(t *testing.T) {
	t.Parallel()
	resources := deployed(t, template, byPassword...).resources(t)
	equal(t, "who may use its role", any(object{"StringEquals": object{
		"aws:SourceAccount": "123456789012", "aws:SourceArn": "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/default",
	}}), at(t, resources["ScheduleRole"], "AssumeRolePolicyDocument", "Statement", "0", "Condition"))
	equal(t, "missed runs", any(object{"GetAtt": "MissedRuns.Arn"}), at(t, resources["Schedule"], "Target", "DeadLetterConfig", "Arn"))
	equal(t, "alarm", any(object{"GetAtt": "MissedRuns.QueueName"}), at(t, resources["MissedRunsAlarm"], "Dimensions", "0", "Value"))
}

func TestDashboardUrlIsRightInEveryPartition(t *testing.T) {
	t.Parallel()
	s := deployed(t, template, byPassword...)
	for partition, want := range map[string]string{
		"aws":        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards/dashboard/sqs2pg",
		"aws-cn":     "https://eu-west-1.console.amazonaws.cn/cloudwatch/home?region=eu-west-1#dashboards/dashboard/sqs2pg",
		"aws-us-gov": "https://eu-west-1.console.amazonaws-us-gov.com/cloudwatch/home?region=eu-west-1#dashboards/dashboard/sqs2pg",
	} {
		s.parameters["AWS::Partition"] = partition
		equal(t, partition, any(want), s.value(t, at(t, s.template, "Outputs", "DashboardUrl", "Value")))
	}
}

// RDS Proxy is missing in some zones: with two subnets its creation would fail there.
func TestCreatedNetworkHasThreeZones(t *testing.T) {
	t.Parallel()
	resources := deployed(t, "database.yaml", "Zones=eu-west-1c,eu-west-1a,eu-west-1c").resources(t)
	var zones []any
	for _, subnet := range []string{"SubnetA", "SubnetB", "SubnetC"} {
		zones = append(zones, resources[subnet]["AvailabilityZone"])
	}
	equal(t, "chosen", []any{"eu-west-1c", "eu-west-1a", "eu-west-1c"}, zones)
	equal(t, "of the proxy", any([]any{object{"Ref": "SubnetA"}, object{"Ref": "SubnetB"}, object{"Ref": "SubnetC"}}), resources["Proxy"]["VpcSubnetIds"])
	for text, allowed := range map[string]bool{"": true, "eu-west-1a,eu-west-1b,eu-west-1c": true, "eu-west-1a,eu-west-1b": false, "eu-west-1a, eu-west-1b, eu-west-1c": false} {
		if got := matches(t, "Zones", text); got != allowed {
			t.Errorf("%q: allowed %t, want %t", text, got, allowed)
		}
	}
}

func TestCreatedDatabaseIsReachableFromTheStacksParameters(t *testing.T) {
	t.Parallel()
	s := deployed(t, template, with(created, "InstanceClass=db.r8g.large", "StorageGB=100", "MaxStorageGB=900", "MultiAZ=false", "DeletionProtection=true")...)
	var passed []string
	for name, v := range at(t, s.resources(t)["Database"], "Parameters").(object) {
		passed = append(passed, name+"="+v.(string))
	}
	nested := deployed(t, "database.yaml", passed...)
	if len(passed) != len(nested.template["Parameters"].(object)) {
		t.Errorf("of the database's %d parameters only %v are passed on", len(nested.template["Parameters"].(object)), passed)
	}
	instance := nested.resources(t)["Instance"]
	want := []any{"17", "db.r8g.large", "100", "900", false, true}
	equal(t, "instance", want, []any{instance["EngineVersion"], instance["DBInstanceClass"], instance["AllocatedStorage"], instance["MaxAllocatedStorage"], instance["MultiAZ"], instance["DeletionProtection"]})
	for name, p := range nested.template["Parameters"].(object) {
		if name == "QueueEndpoint" { // follows Backoff
			continue
		}
		equal(t, "default of "+name, at(t, s.template, "Parameters", name, "Default"), p.(object)["Default"])
	}
}

func TestStackTakesAQueueThatExists(t *testing.T) {
	t.Parallel()
	s := deployed(t, template, with(ownQueue, "ExistingQueueKeyArn=arn:key")...)
	resources := s.resources(t)
	for _, name := range []string{"Queue", "DeadLetterQueue", "QueuePolicy"} {
		if resources[name] != nil {
			t.Errorf("the stack makes a %s", name)
		}
	}
	queue := "arn:aws:sqs:eu-west-1:210987654321:events"
	equal(t, "mapping", any(queue), resources["Mapping"]["EventSourceArn"])
	equal(t, "backoff", any("https://sqs.eu-west-1.amazonaws.com/210987654321/events"), at(t, resources["IngestFunction"], "Environment", "Variables", "QUEUE_URL"))
	equal(t, "alarms", []any{"events", "events-dead"},
		[]any{at(t, resources["AgeAlarm"], "Dimensions", "0", "Value"), at(t, resources["DeadLettersAlarm"], "Dimensions", "0", "Value")})
	if body := resources["Dashboard"]["DashboardBody"].(string); !strings.Contains(body, `"QueueName", "events-dead"`) || strings.Contains(body, "${QueueName}") {
		t.Error("the dashboard does not show the queue")
	}
	rights := statements(t, resources["IngestRole"]["Policies"])
	equal(t, "rights", any(queue), rights[0]["Resource"])
	want := object{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "arn:key", "Condition": object{"StringEquals": object{"kms:ViaService": "sqs.eu-west-1.amazonaws.com"}}}
	equal(t, "its key", want, rights[1])
	equal(t, "output", any(queue), s.value(t, at(t, s.template, "Outputs", "QueueArn", "Value")))
}

// A FIFO queue takes batches of 10 without a window, and its name says what it is.
func TestFifoQueueThatExistsIsKnownByItsName(t *testing.T) {
	t.Parallel()
	for name, batch := range map[string]any{"events.fifo": 10, "events": "100", "fifo": "100"} {
		mapping := deployed(t, template, with(ownQueue, "ExistingQueueArn=arn:aws:sqs:eu-west-1:210987654321:"+name)...).resources(t)["Mapping"]
		if window := mapping["MaximumBatchingWindowInSeconds"]; mapping["BatchSize"] != batch || (window == nil) != (batch == any(10)) {
			t.Errorf("%s: batches of %v, window %v", name, mapping["BatchSize"], window)
		}
	}
}

// A queue has one policy. All that may send are in it.
func TestProducersAreInTheQueuesOnePolicy(t *testing.T) {
	t.Parallel()
	policy := func(parameters ...string) map[string]object {
		bySid := map[string]object{}
		for _, s := range statements(t, deployed(t, template, with(byPassword, parameters...)...).resources(t)["QueuePolicy"]) {
			bySid[s["Sid"].(string)] = s
		}
		return bySid
	}
	if alone := policy(); len(alone) != 1 || alone["OnlyEncryptedConnections"] == nil {
		t.Errorf("without producers: %v", alone)
	}
	all := policy("TopicArns=arn:topic", "EventRuleArns=arn:rule", "BucketArns=arn:aws:s3:::bucket", "ProducerAccounts=210987654321")
	queue := object{"GetAtt": "Queue.Arn"}
	source := func(sid, service, arn string, more object) object {
		condition := object{"ArnEquals": object{"aws:SourceArn": []any{arn}}}
		for k, v := range more {
			condition[k] = v
		}
		return object{"Sid": sid, "Effect": "Allow", "Principal": object{"Service": service}, "Action": "sqs:SendMessage", "Resource": queue, "Condition": condition}
	}
	for sid, want := range map[string]object{
		"Topics":     source("Topics", "sns.amazonaws.com", "arn:topic", nil),
		"EventRules": source("EventRules", "events.amazonaws.com", "arn:rule", nil),
		"Buckets":    source("Buckets", "s3.amazonaws.com", "arn:aws:s3:::bucket", object{"StringEquals": object{"aws:SourceAccount": "123456789012"}}),
		"Accounts": {"Sid": "Accounts", "Effect": "Allow", "Principal": object{"AWS": []any{"210987654321"}},
			"Action": []any{"sqs:SendMessage", "sqs:GetQueueUrl"}, "Resource": queue},
	} {
		equal(t, sid, want, all[sid])
	}
	if len(all) != 5 {
		t.Errorf("%d statements, want 5", len(all))
	}
}

// typed are the resources of a type.
func typed(t *testing.T, s *stack, kind string) map[string]object {
	t.Helper()
	found := map[string]object{}
	for name, properties := range s.resources(t) {
		if at(t, s.template, "Resources", name, "Type") == kind {
			found[name] = properties
		}
	}
	return found
}

func TestOneKeyEncryptsAllThatTheStackKeeps(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]any{"": nil, "arn:key": "arn:key"} {
		s := deployed(t, template, with(byPassword, "KmsKeyArn="+key)...)
		for kind, property := range map[string]string{"AWS::SQS::Queue": "KmsMasterKeyId", "AWS::Logs::LogGroup": "KmsKeyId", "AWS::SecretsManager::Secret": "KmsKeyId"} {
			for name, properties := range typed(t, s, kind) {
				equal(t, name, want, properties[property])
				if kind == "AWS::SQS::Queue" && (properties["SqsManagedSseEnabled"] == true) != (want == nil) {
					t.Errorf("%s with key %q: encrypted by SQS's own key: %v", name, key, properties["SqsManagedSseEnabled"])
				}
			}
		}
		for role, services := range map[string]any{
			"IngestRole":   []any{"secretsmanager.eu-west-1.amazonaws.com", "sqs.eu-west-1.amazonaws.com"},
			"MaintainRole": "secretsmanager.eu-west-1.amazonaws.com",
			"ScheduleRole": "sqs.eu-west-1.amazonaws.com",
		} {
			var got any
			for _, statement := range statements(t, s.resources(t)[role]["Policies"]) {
				if statement["Resource"] == "arn:key" {
					got = at(t, statement, "Condition", "StringEquals", "kms:ViaService")
				}
			}
			if want == nil {
				services = nil
			}
			equal(t, role+" may use the key by way of", services, got)
		}
	}
}

func TestEveryRoleHasTheBoundaryAndThePath(t *testing.T) {
	t.Parallel()
	for path, least := range map[string]int{template: 4, "database.yaml": 1} {
		parameters := []string{"PermissionsBoundaryArn=arn:boundary", "RolePath=/data/"}
		if path == template {
			parameters = with(created, parameters...)
		}
		s := deployed(t, path, parameters...)
		roles := typed(t, s, "AWS::IAM::Role")
		for name, role := range roles {
			equal(t, name, []any{"arn:boundary", "/data/"}, []any{role["PermissionsBoundary"], role["Path"]})
		}
		if len(roles) < least {
			t.Errorf("%s: %d roles, want %d", path, len(roles), least)
		}
	}
}

func TestFilterReachesTheMapping(t *testing.T) {
	t.Parallel()
	equal(t, "none", nil, deployed(t, template, byPassword...).resources(t)["Mapping"]["FilterCriteria"])
	pattern := `{"body":{"kind":["login"]}}`
	equal(t, "one", any(object{"Filters": []any{object{"Pattern": pattern}}}), deployed(t, template, with(byPassword, "Filter="+pattern)...).resources(t)["Mapping"]["FilterCriteria"])
}

// The outputs of a stack that made a database are the parameters of the next stack.
func TestSecondStackUsesTheDatabaseOfTheFirst(t *testing.T) {
	t.Parallel()
	first := deployed(t, template, created...)
	parameters := []string{"ContractName=orders"}
	for name := range first.template["Outputs"].(object) {
		if parameter, shared := strings.CutPrefix(name, "Created"); shared || name == "KeyringSecretArn" || name == "VaultPublicKey" || name == "VaultKeyArn" {
			parameters = append(parameters, parameter+"="+parameter+" of the first")
		}
	}
	resources := deployed(t, template, parameters...).resources(t)
	for function, want := range map[string]object{
		"IngestFunction": {"DATABASE_HOST": "DatabaseHost of the first", "DATABASE_USER": "DatabaseUser of the first", "DATABASE_IAM_AUTH": "true", "MASK_SECRET_ID": "KeyringSecretArn of the first",
			"VAULT_PUBLIC_KEY": "VaultPublicKey of the first"},
		"MaintainFunction": {"DATABASE_HOST": "OwnerHost of the first", "DATABASE_SECRET_ID": "OwnerSecretArn of the first", "WRITER_USER": "DatabaseUser of the first",
			"VAULT_PUBLIC_KEY": "VaultPublicKey of the first", "VAULT_KEY_ARN": "VaultKeyArn of the first"},
	} {
		variables := at(t, resources[function], "Environment", "Variables").(object)
		for name, value := range want {
			equal(t, function+" "+name, value, variables[name])
		}
	}
	second := deployed(t, template, parameters...)
	equal(t, "network", any(object{"SubnetIds": "SubnetIds of the first", "SecurityGroupIds": "SecurityGroupIds of the first"}),
		second.value(t, at(t, second.template, "Globals", "Function", "VpcConfig")))
	if resources["Keyring"] != nil || resources["Database"] != nil || resources["VaultKey"] != nil {
		t.Error("the second stack makes a keyring, a database or a vault key of its own")
	}
}
