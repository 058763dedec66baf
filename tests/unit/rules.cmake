add_unit_test(unit include_rule_test)
