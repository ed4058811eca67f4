"""For each rule of cfn_nag one template that breaks it, and one beside it that does not."""

from typing import Any

Properties = dict[str, Any]
Sample = tuple[str, Properties, Properties]
"""Type, the properties that break the rule, the properties that don't."""

_ARN = "arn:aws:s3:::bucket/*"
_GET: Properties = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": _ARN}
_TRUST: Properties = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"Service": "codebuild.amazonaws.com"},
}
_RULE: Properties = {
    "Description": "HTTPS",
    "IpProtocol": "tcp",
    "FromPort": 443,
    "ToPort": 443,
    "CidrIp": "10.0.0.1/32",
}


def _document(*statements: Properties) -> Properties:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _role(broken: Properties, harmless: Properties) -> Sample:
    def with_policy(statement: Properties) -> Properties:
        policy = {"PolicyName": "rights", "PolicyDocument": _document(statement)}
        return {"AssumeRolePolicyDocument": _document(_TRUST), "Policies": [policy]}

    return "AWS::IAM::Role", with_policy(broken), with_policy(harmless)


def _trust(broken: Properties, harmless: Properties) -> Sample:
    return (
        "AWS::IAM::Role",
        {"AssumeRolePolicyDocument": _document(broken)},
        {"AssumeRolePolicyDocument": _document(harmless)},
    )


def _managed(broken: Any, harmless: Any) -> Sample:
    trust = {"AssumeRolePolicyDocument": _document(_TRUST)}
    return (
        "AWS::IAM::Role",
        {**trust, "ManagedPolicyArns": [broken]},
        {**trust, "ManagedPolicyArns": [harmless]},
    )


def _policy(kind: str, broken: Properties, harmless: Properties) -> Sample:
    return (
        kind,
        {"PolicyDocument": _document(broken)},
        {"PolicyDocument": _document(harmless)},
    )


def _group(direction: str, changed: Properties) -> Sample:
    both = {"SecurityGroupIngress": [_RULE], "SecurityGroupEgress": [_RULE]}
    broken = {key: value for key, value in {**_RULE, **changed}.items() if value is not None}
    return "AWS::EC2::SecurityGroup", {**both, f"SecurityGroup{direction}": broken}, both


def _one(kind: str, prop: str, broken: Any, harmless: Any) -> Sample:
    return (
        kind,
        {} if broken is None else {prop: broken},
        {} if harmless is None else {prop: harmless},
    )


def _key(principal: Any) -> Properties:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "kms:Decrypt"}
    return {"EnableKeyRotation": True, "KeyPolicy": _document(statement)}


def _without(statement: Properties, element: str, **more: Any) -> Properties:
    return {**{key: value for key, value in statement.items() if key != element}, **more}


_EVERY_ACTION = {**_GET, "Action": ["s3:GetObject", "s3:*"]}
_EVERY_RESOURCE = {**_GET, "Resource": "*"}
_NOT_ACTION = _without(_GET, "Action", NotAction="s3:PutObject")
_NOT_RESOURCE = _without(_GET, "Resource", NotResource=_ARN)
_PASS = {"Effect": "Allow", "Action": "iam:Pass*", "Resource": "*"}
_PASS_ONE = {**_PASS, "Resource": "arn:aws:iam::111122223333:role/build"}
_ANYBODY = {**_GET, "Principal": {"AWS": "*"}}
_DENIES_ANYBODY = {**_ANYBODY, "Effect": "Deny", "Action": "s3:*"}
_NOT_PRINCIPAL = {**_GET, "NotPrincipal": {"AWS": "111122223333"}}
_UNRESOLVED = [{"Fn::GetAtt": [f"Bucket{number}", "Arn"]} for number in range(8)]
_SECRET = "{{resolve:secretsmanager:token:SecretString:webhook}}"

SAMPLES: dict[str, Sample] = {
    "F1": _one("AWS::EC2::Volume", "Encrypted", "false", "true"),
    "F2": _trust({**_TRUST, "Action": "sts:*"}, _TRUST),
    "F3": _role(_EVERY_ACTION, _GET),
    "F4": _policy("AWS::IAM::Policy", _EVERY_ACTION, {**_EVERY_ACTION, "Effect": "Deny"}),
    "F5": _policy("AWS::IAM::ManagedPolicy", {**_GET, "Action": "*"}, _GET),
    "F6": _trust(_without(_TRUST, "Principal", NotPrincipal={"AWS": "111122223333"}), _TRUST),
    "F7": _policy("AWS::SQS::QueuePolicy", _NOT_PRINCIPAL, _GET),
    "F8": _policy("AWS::SNS::TopicPolicy", _NOT_PRINCIPAL, _GET),
    "F9": _policy("AWS::S3::BucketPolicy", _NOT_PRINCIPAL, {**_NOT_PRINCIPAL, "Effect": "Deny"}),
    "F13": _one("AWS::Lambda::Permission", "Principal", "*", "events.amazonaws.com"),
    "F14": _one("AWS::S3::Bucket", "AccessControl", "PublicReadWrite", "Private"),
    "F15": _policy("AWS::S3::BucketPolicy", _EVERY_ACTION, _DENIES_ANYBODY),
    "F16": _policy("AWS::S3::BucketPolicy", _ANYBODY, _DENIES_ANYBODY),
    "F18": _policy("AWS::SNS::TopicPolicy", {**_GET, "Principal": "*"}, _GET),
    "F19": ("AWS::KMS::Key", _without(_key("x"), "EnableKeyRotation"), _key("x")),
    "F20": _policy("AWS::SQS::QueuePolicy", _EVERY_ACTION, _GET),
    "F21": _policy("AWS::SQS::QueuePolicy", _ANYBODY, _GET),
    "F38": _role(_PASS, _PASS_ONE),
    "F39": _policy("AWS::IAM::Policy", {**_PASS, "Action": "*"}, _PASS_ONE),
    "F40": _policy("AWS::IAM::ManagedPolicy", {**_PASS, "Action": "iam:PassRole"}, _PASS_ONE),
    "F69": _one(
        "AWS::CodePipeline::Webhook",
        "AuthenticationConfiguration",
        {"SecretToken": {"Ref": "Plain"}},
        {"SecretToken": _SECRET},
    ),
    "F76": ("AWS::KMS::Key", _key({"AWS": ["*"]}), _key({"AWS": "111122223333"})),
    "F1000": (
        "AWS::EC2::SecurityGroup",
        {"SecurityGroupIngress": [_RULE]},
        {"SecurityGroupEgress": _RULE},
    ),
    "W2": _group("Ingress", {"CidrIp": "0.0.0.0/0"}),
    "W5": _group("Egress", {"CidrIp": None, "CidrIpv6": "::/0"}),
    "W9": _group("Ingress", {"CidrIp": "10.0.0.0/16"}),
    "W11": _role(_EVERY_RESOURCE, _GET),
    "W12": _policy("AWS::IAM::Policy", {**_GET, "Resource": [_ARN, "*"]}, _GET),
    "W13": _policy("AWS::IAM::ManagedPolicy", _EVERY_RESOURCE, _GET),
    "W14": _trust(_without(_TRUST, "Action", NotAction="sts:TagSession"), _TRUST),
    "W15": _role(_NOT_ACTION, _GET),
    "W16": _policy("AWS::IAM::Policy", _NOT_ACTION, _GET),
    "W17": _policy("AWS::IAM::ManagedPolicy", _NOT_ACTION, _GET),
    "W18": _policy("AWS::SQS::QueuePolicy", _NOT_ACTION, _GET),
    "W19": _policy("AWS::SNS::TopicPolicy", _NOT_ACTION, _GET),
    "W20": _policy("AWS::S3::BucketPolicy", _NOT_ACTION, {**_NOT_ACTION, "Effect": "Deny"}),
    "W21": _role(_NOT_RESOURCE, _GET),
    "W22": _policy("AWS::IAM::Policy", _NOT_RESOURCE, _GET),
    "W23": _policy("AWS::IAM::ManagedPolicy", _NOT_RESOURCE, _GET),
    "W27": _group("Ingress", {"ToPort": 444}),
    "W28": _one("AWS::IAM::Role", "RoleName", {"Fn::Sub": "${AWS::StackName}-build"}, None),
    "W29": _group("Egress", {"FromPort": 0}),
    "W31": _one("AWS::S3::Bucket", "AccessControl", "PublicRead", "Private"),
    "W32": _one("AWS::CodeBuild::Project", "EncryptionKey", None, {"Ref": "Key"}),
    "W33": _one("AWS::EC2::Subnet", "MapPublicIpOnLaunch", True, False),
    "W35": _one("AWS::S3::Bucket", "LoggingConfiguration", None, {"LogFilePrefix": "logs/"}),
    "W36": _group("Egress", {"Description": None}),
    "W37": _one("AWS::EC2::Volume", "KmsKeyId", None, {"Ref": "Key"}),
    "W40": _group("Egress", {"IpProtocol": -1}),
    "W41": _one("AWS::S3::Bucket", "BucketEncryption", None, {"Rules": []}),
    "W42": _group("Ingress", {"IpProtocol": "-1"}),
    "W43": _managed("arn:aws:iam::aws:policy/AdministratorAccess", {"Ref": "Policy"}),
    "W44": _managed("arn:aws:iam::aws:policy/PowerUserAccess", {"Ref": "Policy"}),
    "W47": _one("AWS::SNS::Topic", "KmsMasterKeyId", None, {"Ref": "Key"}),
    "W48": _one("AWS::SQS::Queue", "KmsMasterKeyId", None, {"Ref": "Key"}),
    "W51": _one("AWS::S3::Bucket", "BucketName", "without-policy", "with-policy"),
    "W60": ("AWS::EC2::VPC", {}, {}),
    "W76": _role({**_GET, "Resource": _UNRESOLVED}, {**_GET, "Resource": [_ARN] * 8}),
    "W77": _one("AWS::SecretsManager::Secret", "KmsKeyId", None, {"Ref": "Key"}),
    "W84": _one("AWS::Logs::LogGroup", "KmsKeyId", None, {"Ref": "Key"}),
    "W86": _one("AWS::Logs::LogGroup", "RetentionInDays", None, 90),
    "W89": _one("AWS::Lambda::Function", "VpcConfig", None, {"SubnetIds": []}),
    "W92": _one("AWS::Lambda::Function", "ReservedConcurrentExecutions", None, 1),
    "W1200": _one("AWS::SageMaker::EndpointConfig", "KmsKeyId", None, {"Ref": "Key"}),
    "W1201": _one("AWS::SageMaker::NotebookInstance", "KmsKeyId", None, {"Ref": "Key"}),
    "crash": _group("Egress", {"Fn::If": ["Condition", _RULE, {"Ref": "AWS::NoValue"}]}),
}
BESIDE: dict[str, dict[str, Any]] = {
    "W51": {
        "Policy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {"Bucket": "with-policy", "PolicyDocument": _document(_DENIES_ANYBODY)},
        }
    },
    "W60": {
        "Log": {"Type": "AWS::EC2::FlowLog", "Properties": {"ResourceId": {"Ref": "Harmless"}}}
    },
}
"""Further resources of a rule's template."""
