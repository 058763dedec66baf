add_unit_test(unit include_rule_test)
add_unit_test(unit names_rule_test peftgrid_catalogue)
add_unit_test(unit docs_rule_test)
