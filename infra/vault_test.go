package infra_test

import (
	"slices"
	"strings"
	"testing"
)

const (
	ownVaultKey    = "VaultKeyArn=arn:aws:kms:eu-west-1:123456789012:key/vault"
	ownVaultPublic = "VaultPublicKey=MLKEM768-X25519:AAAA"
)

// The vault's key is the stack's, or a KMS key that exists, or one that is kept elsewhere.
func TestVaultKeyIsMadeOrTaken(t *testing.T) {
	t.Parallel()
	asked, made := object{"GetAtt": "VaultRecipient.PublicKey"}, object{"GetAtt": "VaultKey.Arn"}
	const arn, public = "arn:aws:kms:eu-west-1:123456789012:key/vault", "MLKEM768-X25519:AAAA"
	for name, test := range map[string]struct {
		parameters  []string
		public, arn any
		resources   []string
	}{
		"by default":                    {nil, asked, made, []string{"RevealPolicy", "VaultKey", "VaultRecipient"}},
		"a KMS key that exists":         {[]string{ownVaultKey}, asked, arn, []string{"RevealPolicy", "VaultRecipient"}},
		"a key that is kept elsewhere":  {[]string{ownVaultPublic}, public, "", nil},
		"a KMS key with its public key": {[]string{ownVaultKey, ownVaultPublic}, public, arn, []string{"RevealPolicy"}},
		"contracts without x-recover":   {[]string{"Vault=none"}, "", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deployed(t, template, with(byPassword, test.parameters...)...)
			resources := s.resources(t)
			var got []string
			for _, resource := range []string{"RevealPolicy", "VaultKey", "VaultRecipient"} {
				if resources[resource] != nil {
					got = append(got, resource)
				}
			}
			equal(t, "resources", test.resources, got)
			for _, function := range []string{"IngestFunction", "MaintainFunction"} {
				equal(t, function+": public key", test.public, at(t, resources[function], "Environment", "Variables", "VAULT_PUBLIC_KEY"))
			}
			equal(t, "ARN", test.arn, at(t, resources["MaintainFunction"], "Environment", "Variables", "VAULT_KEY_ARN"))
			for _, policy := range []struct{ resource, action string }{{"RevealPolicy", "kms:DeriveSharedSecret"}, {"MigrateRole", "kms:GetPublicKey"}} {
				for _, statement := range statements(t, resources[policy.resource]) {
					if slices.Contains(actionsOf(t, statement), policy.action) {
						equal(t, policy.resource+" is for", test.arn, statement["Resource"])
					}
				}
			}
			for _, output := range []string{"VaultKeyArn", "VaultPublicKey", "RevealPolicyArn"} {
				if o := at(t, s.template, "Outputs", output); s.condition(t, at(t, o, "Condition").(string)) && s.value(t, at(t, o, "Value")) == any("") {
					t.Errorf("output %s is empty", output)
				}
			}
		})
	}
}

// The key outlives the stack: what it sealed is in the database.
func TestVaultKeyIsKept(t *testing.T) {
	t.Parallel()
	key := at(t, load(t, template), "Resources", "VaultKey").(object)
	equal(t, "deletion, replacement", []any{"RetainExceptOnCreate", "Retain"}, []any{key["DeletionPolicy"], key["UpdateReplacePolicy"]})
	equal(t, "type", []any{"ECC_NIST_P256", "KEY_AGREEMENT"}, []any{at(t, key, "Properties", "KeySpec"), at(t, key, "Properties", "KeyUsage")})
}

// opens reports whether a statement allows what opens the vault. A star in an action does, too.
func opens(t *testing.T, statement object) bool {
	t.Helper()
	return statement["Effect"] == "Allow" && slices.ContainsFunc(actionsOf(t, statement), func(action string) bool {
		return action == "*" || strings.HasPrefix(action, "kms:") && (strings.Contains(action, "*") || action == "kms:DeriveSharedSecret")
	})
}

// No role of the stack opens the vault, and the key itself refuses those that sign in to the database:
// a policy that somebody attaches later does not help them.
func TestNoRoleSignsInToTheDatabaseAndOpensTheVault(t *testing.T) {
	t.Parallel()
	s := deployed(t, template, byIAM...)
	resources := s.resources(t)
	for name, role := range typed(t, s, "AWS::IAM::Role") {
		for _, statement := range statements(t, role["Policies"]) {
			if opens(t, statement) {
				t.Errorf("%s opens the vault: %v", name, statement)
			}
			if strings.Contains(name, "Ingest") && statement["Resource"] != nil && strings.Contains(strings.Join(actionsOf(t, statement), " "), "kms:") {
				t.Errorf("the ingest function has a right on a key: %v", statement)
			}
		}
		if role["ManagedPolicyArns"] != nil {
			t.Errorf("%s has managed policies: %v", name, role["ManagedPolicyArns"])
		}
	}
	bySid := map[string]object{}
	for _, statement := range statements(t, resources["VaultKey"]["KeyPolicy"]) {
		bySid[statement["Sid"].(string)] = statement
		if statement["Sid"] != "Revealers" && opens(t, statement) {
			t.Errorf("the key's statement %v opens the vault", statement["Sid"])
		}
	}
	equal(t, "who never opens it", any(object{
		"Sid": "NoLoader", "Effect": "Deny", "Principal": "*", "Action": "kms:DeriveSharedSecret", "Resource": "*",
		"Condition": object{"ArnEquals": object{"aws:PrincipalArn": []any{object{"GetAtt": "IngestRole.Arn"}, object{"GetAtt": "MaintainRole.Arn"}}}},
	}), any(bySid["NoLoader"]))
	if resources["RevealPolicy"]["Roles"] != nil || resources["RevealPolicy"]["Users"] != nil || resources["RevealPolicy"]["Groups"] != nil {
		t.Error("the stack gives the right to reveal to somebody")
	}
}

// CloudFormation makes what a resource names before the resource itself. The migration registers the
// key, so the maintain function waits for it, and the function that asks KMS may not wait for maintain.
func TestPublicKeyIsKnownBeforeTheMigration(t *testing.T) {
	t.Parallel()
	tpl := load(t, template)
	for _, start := range []string{"MaintainFunction", "IngestFunction"} {
		needed := needs(t, tpl, start, map[string]bool{})
		if !needed["VaultRecipient"] || !needed["MigrateFunction"] {
			t.Errorf("%s does not wait for the public key", start)
		}
	}
	if needed := needs(t, tpl, "VaultRecipient", map[string]bool{}); needed["MaintainFunction"] || needed["VaultRecipient"] {
		t.Errorf("the public key waits for %v", needed)
	}
}

// needs are the resources that one names, by Ref, GetAtt or DependsOn, and those that they name.
func needs(t *testing.T, tpl object, resource string, found map[string]bool) map[string]bool {
	t.Helper()
	for _, name := range named(at(t, tpl, "Resources", resource)) {
		if tpl["Resources"].(object)[name] != nil && !found[name] {
			found[name] = true
			needs(t, tpl, name, found)
		}
	}
	return found
}

func named(v any) (names []string) {
	switch node := v.(type) {
	case object:
		for key, child := range node {
			if text, ok := child.(string); ok && (key == "Ref" || key == "GetAtt" || key == "DependsOn" || key == "Sub") {
				name, _, _ := strings.Cut(strings.TrimPrefix(text, "${"), ".")
				names = append(names, strings.TrimSuffix(name, "}"))
			}
			names = append(names, named(child)...)
		}
	case []any:
		for _, child := range node {
			names = append(names, named(child)...)
		}
	}
	return names
}
